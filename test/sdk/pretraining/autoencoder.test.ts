import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
  AutoencoderKL,
  AutoencoderKLQwenImage,
  AutoencoderTask,
  RandomKey,
  autoencoderLoss,
  autoencoderNetwork,
  openSafetensors,
  randomUniform,
  tf,
} from '@flowbook/sdk';
import { qwenImage } from '../../../datasets/shapes/pretrain/qwen-image';
import { sinCosPositions } from '../../../sdk/src/models/stable-diffusion-3/sin-cos-positions';
import { checkGradient, normal } from '../models/check-gradient';

const ROOT = join(__dirname, '../../..');
const QWEN = {
  _class_name: 'AutoencoderKLQwenImage',
  base_dim: 4,
  z_dim: 2,
  dim_mult: [1, 2, 2],
  num_res_blocks: 1,
  attn_scales: [],
  temperal_downsample: [false, true],
  latents_mean: [0, 0],
  latents_std: [1, 1],
};
const SD3 = {
  _class_name: 'AutoencoderKL',
  block_out_channels: [4, 8],
  down_block_types: Array<string>(2).fill('DownEncoderBlock2D'),
  up_block_types: Array<string>(2).fill('UpDecoderBlock2D'),
  layers_per_block: 1,
  latent_channels: 2,
  norm_num_groups: 2,
  sample_size: 16,
  scaling_factor: 1,
  shift_factor: 0,
  use_quant_conv: false,
  use_post_quant_conv: false,
};

/** Boards of two colours: no error, and no difference of neighbouring errors, is near the kink of an absolute value. */
const checkers = (key: RandomKey) =>
  tf.tidy(() => {
    const at = tf.range(0, 16);
    const odd = tf
      .mod(tf.add(at.reshape([16, 1]), at), 2)
      .mul(2)
      .sub(1)
      .reshape([1, 16, 16, 1]);
    return tf.mul(odd, randomUniform(key, [2, 1, 1, 3]).mul(0.2).add(0.7)) as tf.Tensor4D;
  });

const taskOf = (config: Record<string, unknown>) =>
  new AutoencoderTask({
    config,
    ground: [0.8, 0.8, 0.8],
    latentNoise: 0.1,
    loss: { foreground: 10, chroma: 10, kl: 1e-5 },
    key: RandomKey.fromSeed(1),
    pictures: checkers,
  });

describe('AutoencoderTask', function () {
  this.timeout(120_000);

  for (const config of [QWEN, SD3]) {
    const name = config._class_name;

    it(`has weights that ${name} takes, and gives what it gives`, () => {
      const task = taskOf(config);
      tf.tidy(() => {
        const state = task.stateDict();
        const pictures = normal('pictures', [2, 16, 16, 3]) as tf.Tensor4D;
        const { _class_name, ...settings } = config as Record<string, unknown>;
        const model =
          _class_name === 'AutoencoderKL'
            ? new AutoencoderKL(settings, state)
            : new AutoencoderKLQwenImage(settings, state);
        const framed = (x: tf.Tensor) => (model instanceof AutoencoderKL ? x : tf.expandDims(x, 2));
        const flat = (x: tf.Tensor) =>
          tf.transpose(model instanceof AutoencoderKL ? x : tf.squeeze(x, [2]), [0, 2, 3, 1]);
        const near = (a: tf.Tensor, b: tf.Tensor) => {
          const distance = tf.max(tf.abs(tf.sub(a, b))).dataSync()[0];
          assert.ok(distance < 1e-5, `${distance}`);
        };
        const { mean } = model.encode(framed(tf.transpose(pictures, [0, 3, 1, 2])));
        near(flat(mean), task.encode(pictures));
        const decoded = task.decode(flat(mean) as tf.Tensor4D);
        const clamps = model instanceof AutoencoderKLQwenImage;
        near(flat(model.decode(mean)), clamps ? tf.clipByValue(decoded, -1, 1) : decoded);
        model.dispose();
      });
      task.dispose();
    });

    it(`has gradients of ${name} that lead downhill, and leaves no tensors`, async () => {
      const task = taskOf(config);
      const key = RandomKey.fromSeed(2);
      const { numTensors } = tf.memory();
      const part = await task.gradients(key);
      assert.deepEqual([...part.gradients.keys()].sort(), [...task.variables.keys()].sort());
      const [loss] = part.loss.dataSync();
      const slope = [...part.gradients.values()].reduce(
        (sum, gradient) => sum + tf.tidy(() => tf.sum(tf.square(gradient)).dataSync()[0]),
        0,
      );
      const step = 2e-4 / Math.sqrt(slope);
      for (const [weight, gradient] of part.gradients) {
        const variable = task.variables.get(weight) as tf.Variable;
        tf.tidy(() => variable.assign(tf.sub(variable, tf.mul(gradient, step))));
      }
      part.dispose();
      const after = await task.gradients(key);
      const fallen = loss - after.loss.dataSync()[0];
      after.dispose();
      const expected = step * slope;
      assert.ok(Math.abs(fallen / expected - 1) < 0.05, `${fallen} instead of ${expected}`);
      assert.equal(tf.memory().numTensors, numTensors);
      task.dispose();
    });
  }

  it('starts codes at a small constant spread, and past frames at nothing', () => {
    const task = taskOf(QWEN);
    const read = (name: string) => task.variables.get(name) as tf.Tensor;
    tf.tidy(() => {
      assert.deepEqual([...read('quant_conv.bias').dataSync()], [0, 0, -6, -6]);
      assert.equal(tf.max(tf.abs(tf.slice(read('quant_conv.weight'), 2))).dataSync()[0], 0);
      const kernel = read('decoder.conv_in.weight') as tf.Tensor5D;
      const past = tf.slice(kernel, [0, 0, 0, 0, 0], [-1, -1, 2, -1, -1]);
      assert.equal(tf.max(tf.abs(past)).dataSync()[0], 0);
      assert.ok(tf.max(tf.abs(kernel)).dataSync()[0] > 0);
    });
    task.dispose();
  });
});

describe('autoencoderNetwork()', () => {
  it('knows every tensor of a checkpoint, those that single pictures never meet among them', () => {
    const { shapes, unread } = autoencoderNetwork(qwenImage.autoencoder.config);
    const file = openSafetensors(
      join(ROOT, 'datasets/tiny-qwen-image/vae/diffusion_pytorch_model.safetensors'),
    );
    const stored = new Map(file.names().map((name) => [name, file.info(name).shape]));
    file.close();
    assert.deepEqual(new Map([...shapes, ...unread].sort()), new Map([...stored].sort()));
  });

  it('refuses another class', () => {
    assert.throws(
      () => autoencoderNetwork({ _class_name: 'AutoencoderTiny' }),
      /_class_name must be AutoencoderKLQwenImage or AutoencoderKL: current value is AutoencoderTiny/,
    );
  });
});

describe('autoencoderLoss()', () => {
  const weights = { foreground: 10, chroma: 10, kl: 0.1 };
  const ground = [0.5, 0.5, 0.5];

  it('has the gradient that finite differences have', () => {
    tf.tidy(() => {
      const pictures = normal('pictures', [2, 8, 8, 3]) as tf.Tensor4D;
      checkGradient(
        (decoded, mean, logvar) =>
          autoencoderLoss(
            { pictures, decoded, mean, logvar } as Parameters<typeof autoencoderLoss>[0],
            ground,
            { ...weights, kl: 30 },
          ),
        [
          normal('decoded', [2, 8, 8, 3]),
          normal('mean', [2, 1, 1, 2]),
          normal('logvar', [2, 1, 1, 2]),
        ],
        { step: 1e-3, tolerance: 1e-2 },
      );
    });
  });

  it('counts an error in a shape ten times, and a wrong colour more than a wrong brightness', () => {
    tf.tidy(() => {
      const empty = tf.fill([1, 8, 8, 3], 0.5) as tf.Tensor4D;
      const [mean, logvar] = [tf.zeros([1, 1, 1, 1]), tf.zeros([1, 1, 1, 1])] as tf.Tensor4D[];
      const loss = (pictures: tf.Tensor4D, decoded: tf.Tensor4D) =>
        autoencoderLoss({ pictures, decoded, mean, logvar }, ground, weights).dataSync()[0];
      const shift = (x: tf.Tensor4D, by: number[]) => tf.add<tf.Tensor4D>(x, tf.tensor1d(by));
      const shape = tf.fill([1, 8, 8, 3], -0.5) as tf.Tensor4D;
      assert.equal(loss(empty, empty), 0);
      // Absolute error .1; squared error .01, ten times that in a shape.
      assert.ok(Math.abs(loss(empty, shift(empty, [0.1, 0.1, 0.1])) - 0.11) < 1e-5);
      assert.ok(Math.abs(loss(shape, shift(shape, [0.1, 0.1, 0.1])) - 0.2) < 1e-5);
      const tinted = loss(empty, shift(empty, [0.1, -0.1, 0]));
      assert.ok(Math.abs(tinted - (0.2 / 3 + 0.02 / 3 + (10 * 0.02) / 3)) < 1e-5, `${tinted}`);
    });
  });
});

describe('sinCosPositions()', () => {
  it("are those of diffusers' checkpoint", () => {
    tf.tidy(() => {
      const file = openSafetensors(
        join(ROOT, 'test/golden/models/tiny-sd3/transformer/diffusion_pytorch_model.safetensors'),
      );
      const expected = file.tensor('pos_embed.pos_embed');
      file.close();
      // 12 patches a side, made for 16 / 2 = 8 of them, 64 wide.
      const distance = tf.max(tf.abs(tf.sub(sinCosPositions(12, 8, 64), expected)));
      assert.ok(distance.dataSync()[0] < 1e-6, `${distance.dataSync()[0]}`);
    });
  });
});
