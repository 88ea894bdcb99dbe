import assert from 'node:assert/strict';
import {
  FlowMatchingTask,
  RandomKey,
  loadPipeline,
  predictNoised,
  randomNormal,
  randomUniform,
  tf,
  type RolloutPipeline,
} from '@flowbook/sdk';
import { normal } from '../models/check-gradient';

describe('FlowMatchingTask', function () {
  this.timeout(120_000);
  let pipeline: RolloutPipeline;
  before(async () => {
    pipeline = await loadPipeline('datasets/tiny-qwen-image', {
      pipeline: { height: 64, width: 64 },
    });
  });
  after(() => pipeline.dispose());

  const modelConfig = () => ({ ...pipeline.modelConfig, algorithm: 'dpo' });
  const taskOf = (weights: number[], noiseShift: number) => {
    const embeddings = pipeline.encodePrompt(['a red circle', 'two blue crosses']);
    const latents = normal('latents', [3, 16, 16]);
    return new FlowMatchingTask({
      transformer: pipeline.transformer,
      modelConfig: modelConfig(),
      data: { latents, promptRows: [0, 1, 1], embeddings, weights },
      batchSize: 5,
      noiseShift,
    });
  };

  it('learns the velocity from data to noise, at noise levels bent towards 1', async () => {
    tf.engine().startScope();
    // All weight on the second row, whose prompt is the second.
    const task = taskOf([0, 1, 0], 3);
    const key = RandomKey.fromSeed(4);
    const part = await task.gradients(key);
    const embeddings = pipeline.encodePrompt(['a red circle', 'two blue crosses']);
    const expected = tf.tidy(() => {
      const x0 = tf.tile(
        tf.slice(normal('latents', [3, 16, 16]), [1, 0, 0], [1, -1, -1]),
        [5, 1, 1],
      );
      const epsilon = randomNormal(key.fold('noise'), [5, 16, 16]);
      const u = [...randomUniform(key.fold('sigma'), [5]).dataSync()];
      const sigma = tf.tensor1d(u.map((value) => (3 * value) / (1 + 2 * value)));
      const column = sigma.reshape([5, 1, 1]);
      const second = (x: tf.Tensor) => tf.gather(x, tf.tensor1d(Array<number>(5).fill(1), 'int32'));
      const velocity = predictNoised(pipeline.transformer, modelConfig(), {
        noisy_latents: tf.add(tf.mul(x0, tf.sub(1, column)), tf.mul(epsilon, column)),
        timesteps: tf.mul(sigma, 1000),
        prompt_embeds: second(embeddings.embeds),
        prompt_embeds_mask: second(embeddings.mask),
      });
      return tf.mean(tf.square(tf.sub(velocity, tf.sub(epsilon, x0)))).dataSync()[0];
    });
    const [loss] = part.loss.dataSync();
    assert.ok(Math.abs(loss - expected) < 1e-5 * expected, `${loss} instead of ${expected}`);
    assert.ok(part.gradients.size > 0);
    part.dispose();
    tf.engine().endScope();
  });

  it('leaves as many tensors as it found', async () => {
    tf.engine().startScope();
    const task = taskOf([1, 1, 1], 1);
    const { numTensors } = tf.memory();
    (await task.gradients(RandomKey.fromSeed(1))).dispose();
    assert.equal(tf.memory().numTensors, numTensors);
    tf.engine().endScope();
  });

  it('refuses rows without a prompt', () => {
    assert.throws(
      () =>
        new FlowMatchingTask({
          transformer: pipeline.transformer,
          modelConfig: modelConfig(),
          data: {
            latents: tf.zeros([2, 16, 16]),
            promptRows: [0],
            embeddings: pipeline.encodePrompt(['a red circle']),
          },
          batchSize: 1,
          noiseShift: 1,
        }),
      /each row must have a prompt: there are 2 rows and 1 prompts/,
    );
  });
});
