import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { AutoencoderKL } from '../../../../sdk/src/models/stable-diffusion-3/autoencoder';
import { tf } from '../../../../sdk/src/tensorflow';
import { farthest } from '../model-theory';
import { oneByOne } from '../one-by-one';
import { waves } from '../waves';

const golden = resolve(__dirname, '../../../golden/models/tiny-sd3');

describe('AutoencoderKL', () => {
  let vae: AutoencoderKL;
  before(() => (vae = AutoencoderKL.fromPretrained(golden)));
  after(() => vae.dispose());
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  it('decode() of two rows gives what two rows by themselves give', () => {
    const z = waves([2, 4, 4, 6]) as tf.Tensor4D;
    const alone = tf.concat(tf.split(z, 2).map((row) => vae.decode(row)));
    assert.ok(farthest(vae.decode(z), alone) < 1e-5);
  });

  it('decode() gives each row of a batch that it runs in parts what the row gives alone', () => {
    const z = tf.tile(waves([1, 4, 8, 8]), [257, 1, 1, 1]);
    const pictures = vae.decode(z);
    assert.deepEqual(pictures.shape, [257, 3, 64, 64]);
    const alone = vae.decode(z.slice([0], [1]));
    assert.ok(farthest(pictures.slice([256], [1]), alone) < 1e-5);
  });

  it('decode() does not clamp', () => {
    const picture = vae.decode(tf.mul(waves([1, 4, 4, 4]), 40));
    assert.ok(tf.max(tf.abs(picture)).dataSync()[0] > 1);
  });

  it('decode() has the gradient that finite differences show', () => {
    const z = waves([1, 4, 2, 2]);
    const direction = waves([1, 4, 2, 2], 3);
    const weights = waves([1, 3, 16, 16], 5);
    const f = (x: tf.Tensor): tf.Scalar => tf.sum(tf.mul(vae.decode(x), weights));
    const slope = tf.sum(tf.mul(tf.grad(f)(z), direction)).dataSync()[0];
    const h = 3e-3;
    const [up, down] = [h, -h].map((t) => f(tf.add(z, tf.mul(direction, t))).dataSync()[0]);
    const expected = (up - down) / (2 * h);
    assert.ok(Math.abs(slope - expected) < 0.02 * Math.abs(expected), `${slope} ${expected}`);
  });

  it('decode() and encode() give as one graph what they give under a gradient, where each operation runs by itself', () => {
    const z = waves([2, 4, 4, 6]);
    const pictures = waves([2, 3, 16, 24]);
    const moments = () => {
      const { mean, logvar } = vae.encode(pictures);
      return [mean, logvar];
    };
    const expected = oneByOne(() => [vae.decode(z), ...moments()]);
    [vae.decode(z), ...moments()].forEach((given, at) => {
      assert.ok(farthest(given, expected[at]) < 1e-5);
    });
    tf.dispose(expected);
  });

  it('encode() of two rows gives what two rows by themselves give', () => {
    const pictures = waves([2, 3, 16, 24]) as tf.Tensor4D;
    const both = vae.encode(pictures);
    const alone = tf.split(pictures, 2).map((row) => vae.encode(row));
    assert.ok(farthest(both.mean, tf.concat(alone.map(({ mean }) => mean))) < 1e-5);
    assert.ok(farthest(both.logvar, tf.concat(alone.map(({ logvar }) => logvar))) < 1e-5);
    assert.deepEqual(both.mean.shape, [2, 4, 2, 3]);
  });

  it('normalizeLatents() undoes denormalizeLatents(), z / scaling_factor + shift_factor', () => {
    const z = waves([2, 4, 3, 5]);
    const raw = vae.denormalizeLatents(z);
    assert.ok(farthest(raw, tf.add(tf.div(z, 1.5305), 0.0609)) < 1e-6);
    assert.ok(farthest(vae.normalizeLatents(raw), z) < 1e-6);
  });

  it('runs 1x1 convolutions on both sides of the latents, and no attention, as its settings say', () => {
    const stateDict = new Map<string, tf.Tensor>();
    // A wrapper that makes up what it is asked for would hide a wrong name: list the names instead.
    const put = (name: string, out: number, inputs: number, side: number) => {
      stateDict.set(`${name}.weight`, tf.mul(waves([out, inputs, side, side], out), 0.3));
      stateDict.set(`${name}.bias`, waves([out], inputs));
    };
    const norm = (name: string) => {
      stateDict.set(`${name}.weight`, tf.ones([4]));
      stateDict.set(`${name}.bias`, tf.zeros([4]));
    };
    const block = (name: string) => {
      [1, 2].forEach((index) => norm(`${name}.norm${index}`));
      [1, 2].forEach((index) => put(`${name}.conv${index}`, 4, 4, 3));
    };
    put('encoder.conv_in', 4, 3, 3);
    put('encoder.conv_out', 4, 4, 3);
    put('decoder.conv_in', 4, 2, 3);
    put('decoder.conv_out', 3, 4, 3);
    ['encoder', 'decoder'].forEach((side) => norm(`${side}.conv_norm_out`));
    const resnets = ['encoder.down_blocks.0.resnets.0', 'decoder.up_blocks.0.resnets.0'];
    [...resnets, 'decoder.up_blocks.0.resnets.1'].forEach(block);
    for (const side of ['encoder', 'decoder']) {
      [0, 1].forEach((index) => block(`${side}.mid_block.resnets.${index}`));
    }
    const config = {
      block_out_channels: [4],
      norm_num_groups: 2,
      latent_channels: 2,
      mid_block_add_attention: false,
    };
    assert.throws(
      () => new AutoencoderKL(config, stateDict),
      /post_quant_conv.weight of shape \[2,2,1,1\] is missing/,
    );
    const plain = new AutoencoderKL(
      { ...config, use_quant_conv: false, use_post_quant_conv: false },
      stateDict,
    );
    put('quant_conv', 4, 4, 1);
    put('post_quant_conv', 2, 2, 1);
    const quantised = new AutoencoderKL(config, stateDict);
    const mix = (x: tf.Tensor, name: string) =>
      tf.add(
        tf.einsum('bchw,oc->bohw', x, stateDict.get(`${name}.weight`)!.squeeze([2, 3])),
        stateDict.get(`${name}.bias`)!.reshape([1, -1, 1, 1]),
      );
    const z = waves([1, 2, 4, 4]);
    const decoded = plain.decode(mix(z, 'post_quant_conv'));
    assert.ok(farthest(quantised.decode(z), decoded) < 1e-5);
    const picture = waves([1, 3, 4, 4]);
    const { mean, logvar } = plain.encode(picture);
    const moments = mix(tf.concat([mean, logvar], 1), 'quant_conv');
    const encoded = quantised.encode(picture);
    assert.ok(farthest(tf.concat([encoded.mean, encoded.logvar], 1), moments) < 1e-5);
    [plain, quantised].forEach((model) => model.dispose());
  });

  it('leaves no tensors behind, and dispose() frees the weights', () => {
    const z = waves([1, 4, 2, 2]);
    const before = tf.memory().numTensors;
    const own = AutoencoderKL.fromPretrained(golden);
    const loaded = tf.memory().numTensors;
    vae.decode(z).dispose();
    vae.denormalizeLatents(z).dispose();
    const pictures = tf.zeros([1, 3, 16, 16]);
    tf.dispose(Object.values(vae.encode(pictures)));
    pictures.dispose();
    assert.equal(tf.memory().numTensors, loaded);
    own.dispose();
    assert.equal(tf.memory().numTensors, before);
  });

  it('says which shape it expects', () => {
    assert.throws(() => vae.decode(tf.zeros([1, 16, 8, 8])), {
      message:
        'Cannot decode latents as their shape must be (B, 4, h, w): current value is (1, 16, 8, 8)',
    });
    assert.throws(() => vae.encode(tf.zeros([1, 3, 60, 64])), {
      message:
        'Cannot encode pictures as their shape must be (B, 3, H, W) with sides that 8 divides: current value is (1, 3, 60, 64)',
    });
  });

  it('names settings that do not fit', () => {
    const build = (changes: object) => () => new AutoencoderKL({ ...changes }, new Map());
    assert.throws(
      build({ down_block_types: ['AttnDownEncoderBlock2D'] }),
      /down_block_types must be a list, each DownEncoderBlock2D/,
    );
    assert.throws(
      build({ block_out_channels: [32, 64] }),
      /down_block_types must be as long as block_out_channels, 2/,
    );
    assert.throws(
      build({ block_out_channels: [40] }),
      /block_out_channels must be multiples of norm_num_groups, 32: current value is \[40\]/,
    );
    assert.throws(build({ scaling_factor: 0 }), /scaling_factor must be a number other than 0/);
    assert.throws(build({ act_fn: 'mish' }), /act_fn must be "silu" or "swish"/);
    assert.throws(build({}), /encoder.conv_in.weight of shape \[64,3,3,3\] is missing/);
  });
});
