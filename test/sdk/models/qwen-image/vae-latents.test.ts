import assert from 'node:assert/strict';
import { packLatents, unpackLatents } from '../../../../sdk/src/models/qwen-image/vae-latents';
import { tf } from '../../../../sdk/src/tensorflow';

describe('packLatents()', () => {
  it('lays out a token as channel, row, column', () => {
    tf.tidy(() => {
      const latents = tf.range(0, 16).reshape([1, 2, 1, 2, 4]);
      const tokens = packLatents(latents);
      assert.deepEqual(tokens.arraySync(), [
        [
          [0, 1, 4, 5, 8, 9, 12, 13],
          [2, 3, 6, 7, 10, 11, 14, 15],
        ],
      ]);
      assert.deepEqual(packLatents(latents.squeeze([2])).arraySync(), tokens.arraySync());
    });
  });

  it('is undone by unpackLatents()', () => {
    tf.tidy(() => {
      const latents = tf.range(0, 2 * 3 * 4 * 6).reshape([2, 3, 1, 4, 6]);
      const back = unpackLatents(packLatents(latents), 4, 6);
      assert.deepEqual(back.shape, latents.shape);
      assert.deepEqual(back.dataSync(), latents.dataSync());
    });
  });

  it('refuses odd sides and tokens of another size', () => {
    tf.tidy(() => {
      assert.throws(() => packLatents(tf.zeros([1, 4, 1, 3, 4])), {
        message:
          'Cannot pack latents as their shape must be (B, C, 1, h, w) or (B, C, h, w) with even sides: current value is (1, 4, 1, 3, 4)',
      });
      assert.throws(() => unpackLatents(tf.zeros([1, 6, 16]), 4, 4), {
        message:
          'Cannot unpack latents as 4 x 4 latents must come from tokens (B, 4, 4C): current value is (1, 6, 16)',
      });
    });
  });
});
