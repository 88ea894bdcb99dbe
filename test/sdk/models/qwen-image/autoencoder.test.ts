import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { AutoencoderKLQwenImage } from '../../../../sdk/src/models/qwen-image/autoencoder';
import { tf } from '../../../../sdk/src/tensorflow';
import { oneByOne } from '../one-by-one';
import { waves } from '../waves';
import { model } from '../model-outputs';

const shapes = resolve(__dirname, '../../../../datasets/tiny-qwen-image');

function farthest(a: tf.Tensor, b: tf.Tensor): number {
  assert.deepEqual(a.shape, b.shape);
  return tf.tidy(() => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]);
}

/** Colours 0 to 255 -> -1 to 1. */
const level = (colour: number): number => (2 * colour) / 255 - 1;

describe('AutoencoderKLQwenImage', () => {
  let vae: AutoencoderKLQwenImage;
  before(() => (vae = AutoencoderKLQwenImage.fromPretrained(model)));
  after(() => vae.dispose());
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  it('decode() of two rows gives what two rows by themselves give', () => {
    const z = waves([2, 4, 1, 4, 6]) as tf.Tensor5D;
    const alone = tf.concat(tf.split(z, 2).map((row) => vae.decode(row)));
    assert.ok(farthest(vae.decode(z), alone) < 1e-5);
  });

  it('decode() gives each row of a batch that it runs in parts what the row gives alone', () => {
    const z = tf.tile(waves([1, 4, 1, 8, 8]), [257, 1, 1, 1, 1]) as tf.Tensor5D;
    const pictures = vae.decode(z);
    assert.deepEqual(pictures.shape, [257, 3, 1, 64, 64]);
    const alone = vae.decode(z.slice([0], [1]));
    assert.ok(farthest(pictures.slice([256], [1]), alone) < 1e-5);
  });

  it('decode() stays within -1 and 1', () => {
    const picture = vae.decode(tf.mul(waves([1, 4, 1, 4, 4]), 40));
    assert.equal(tf.max(picture).dataSync()[0], 1);
    assert.equal(tf.min(picture).dataSync()[0], -1);
  });

  it('decode() undoes encode() on a picture of the world that the checkpoint was trained on', () => {
    const trained = AutoencoderKLQwenImage.fromPretrained(shapes);
    const background = [236, 236, 230].map(level);
    const red = [214, 40, 40].map(level);
    const values = background.map((colour, channel) =>
      Array.from({ length: 64 }, (_, y) =>
        Array.from({ length: 64 }, (_, x) =>
          Math.abs(x - 23.5) < 6 && Math.abs(y - 39.5) < 6 ? red[channel] : colour,
        ),
      ),
    );
    const picture = tf.tensor(values).reshape([1, 3, 1, 64, 64]);
    const { mean } = trained.encode(picture);
    assert.deepEqual(mean.shape, [1, 4, 1, 8, 8]);
    const error = tf.mean(tf.abs(tf.sub(trained.decode(mean), picture))).dataSync()[0];
    assert.ok(error < 0.02, `mean absolute error is ${error}`);
    trained.dispose();
  });

  it('decode() has the gradient that finite differences show', () => {
    const z = tf.mul(waves([1, 4, 1, 2, 2]), 0.5);
    const direction = waves([1, 4, 1, 2, 2], 3);
    const weights = waves([1, 3, 1, 16, 16], 5);
    const f = (x: tf.Tensor): tf.Scalar => tf.sum(tf.mul(vae.decode(x), weights));
    const slope = tf.sum(tf.mul(tf.grad(f)(z), direction)).dataSync()[0];
    const h = 1e-3;
    const [up, down] = [h, -h].map((t) => f(tf.add(z, tf.mul(direction, t))).dataSync()[0]);
    const expected = (up - down) / (2 * h);
    assert.ok(Math.abs(slope - expected) < 0.02 * Math.abs(expected), `${slope} ${expected}`);
  });

  it('decode() and encode() give as one graph what they give under a gradient, where each operation runs by itself', () => {
    const z = waves([2, 4, 1, 4, 6]);
    const pictures = waves([2, 3, 1, 16, 24]);
    const [decoded, encoded] = oneByOne(() => [vae.decode(z), vae.encode(pictures).mean]);
    assert.ok(farthest(vae.decode(z), decoded) < 1e-5);
    assert.ok(farthest(vae.encode(pictures).mean, encoded) < 1e-5);
    tf.dispose([decoded, encoded]);
  });

  it('encode() of two rows gives what two rows by themselves give', () => {
    const pictures = waves([2, 3, 1, 16, 24]) as tf.Tensor5D;
    const both = vae.encode(pictures);
    const alone = tf.split(pictures, 2).map((row) => vae.encode(row));
    assert.ok(farthest(both.mean, tf.concat(alone.map(({ mean }) => mean))) < 1e-5);
    assert.ok(farthest(both.logvar, tf.concat(alone.map(({ logvar }) => logvar))) < 1e-5);
  });

  it('normalizeLatents() undoes denormalizeLatents()', () => {
    const z = waves([2, 4, 1, 3, 5]);
    assert.ok(farthest(vae.normalizeLatents(vae.denormalizeLatents(z)), z) < 1e-6);
  });

  it('leaves no tensors behind, and dispose() frees the weights', () => {
    const z = waves([1, 4, 1, 2, 2]);
    const before = tf.memory().numTensors;
    const own = AutoencoderKLQwenImage.fromPretrained(model);
    const loaded = tf.memory().numTensors;
    vae.decode(z).dispose();
    vae.denormalizeLatents(z).dispose();
    const pictures = tf.zeros([1, 3, 1, 16, 16]);
    tf.dispose(Object.values(vae.encode(pictures)));
    pictures.dispose();
    assert.equal(tf.memory().numTensors, loaded);
    own.dispose();
    assert.equal(tf.memory().numTensors, before);
  });

  it('says which shape it expects', () => {
    assert.throws(() => vae.decode(tf.zeros([1, 16, 1, 8, 8])), {
      message:
        'Cannot decode latents as their shape must be (B, 4, 1, h, w): current value is (1, 16, 1, 8, 8)',
    });
    assert.throws(() => vae.encode(tf.zeros([1, 3, 1, 60, 64])), {
      message:
        'Cannot encode pictures as their shape must be (B, 3, 1, H, W) with sides that 8 divides: current value is (1, 3, 1, 60, 64)',
    });
  });

  it('names a tensor that the checkpoint lacks and keeps nothing', () => {
    const before = tf.memory().numTensors;
    const stateDict = new Map([['post_quant_conv.weight', tf.zeros([4, 4, 1, 1, 1])]]);
    assert.throws(() => new AutoencoderKLQwenImage(vae.config, stateDict), {
      message:
        'Cannot build AutoencoderKLQwenImage as parameters must fit the configuration: encoder.conv_in.weight of shape [8,3,3,3,3] is missing; encoder.conv_in.bias of shape [8] is missing; encoder.down_blocks.0.norm1.gamma of shape [8,1,1,1] is missing, and 134 more',
    });
    assert.equal(tf.memory().numTensors, before + 1);
  });
});
