import assert from 'node:assert/strict';
import { loadPipeline, tf, type DiffusionOutput, type RolloutPipeline } from '@flowbook/sdk';
import { ARCHITECTURES, release, values } from './rollout-architectures';

const [QWEN, SD3] = ARCHITECTURES;

/** Everything that a rollout leaves, as numbers. */
function numbersOf({ output, customOutput }: DiffusionOutput): Record<string, number[]> {
  const tensors = Object.entries({ output, ...customOutput }).filter(
    ([, item]) => item instanceof tf.Tensor,
  );
  return Object.fromEntries(tensors.map(([name, item]) => [name, values(item)]));
}

describe('forward() called twice at once', () => {
  for (const [{ name, model, optGuidance }, algorithm] of [
    [QWEN, 'flow_grpo'],
    [QWEN, 'mix_grpo'],
    [QWEN, 'diffusion_nft'],
    [SD3, 'flow_grpo'],
    [SD3, 'dpo'],
  ] as const) {
    let pipeline: RolloutPipeline;

    before(async () => {
      pipeline = await loadPipeline(model, { height: 32, width: 32, algorithm });
    });
    after(() => pipeline.dispose());

    const rollOut = (numInferenceSteps: number, seed: number, height = 32) =>
      pipeline.forward(
        { prompts: ['a red fox'], sampling_params: { seed } },
        {
          ...optGuidance(1),
          numInferenceSteps,
          height,
          maxSequenceLength: 6,
          outputType: 'latent',
        },
      );

    it(`gives each call of ${name} for ${algorithm} the numbers that it has alone`, async () => {
      const before = tf.memory().numTensors;
      const expected: Record<string, number[]>[] = [];
      for (const [steps, seed, height] of [
        [3, 1, 32],
        [5, 2, 64],
      ]) {
        const alone = await rollOut(steps, seed, height);
        expected.push(numbersOf(alone));
        release(alone);
      }
      const together = await Promise.all([rollOut(3, 1), rollOut(5, 2, 64)]);
      assert.deepEqual(together.map(numbersOf), expected);
      assert.equal(pipeline.scheduler.timestepValues.length, 5);
      together.forEach(release);
      assert.equal(tf.memory().numTensors, before);
    });
  }
});
