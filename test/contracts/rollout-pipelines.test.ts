import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import {
  tf,
  VllmOmniPipelineBase,
  type DiffusionOutput,
  type RolloutOptions,
  type RolloutPipeline,
  type RolloutRequest,
} from '@flowbook/sdk';
import { registerDocumentedParts, unregisterDocumentedParts } from '../examples/all-examples';
import { architectureOf, configOf } from './architectures';
import { every } from './every';

const classOf = (name: string) =>
  VllmOmniPipelineBase.getClass(...(name.split('/') as [string, string]));

const load = (name: string): RolloutPipeline => {
  const Pipeline = classOf(name);
  assert.ok(Pipeline !== null);
  return Pipeline.fromPretrained?.(configOf(name)) ?? new Pipeline(configOf(name));
};

const REQUEST: RolloutRequest = { prompts: ['a red circle', 'a blue square'] };
const OPTIONS: RolloutOptions = {
  numInferenceSteps: 3,
  sdeWindowSize: 2,
  sdeWindowRange: [0, 3],
  maxSequenceLength: 32,
  guidanceScale: 1,
  trueCfgScale: 1,
};

const seeded = (seed: number): RolloutRequest => ({ ...REQUEST, sampling_params: { seed } });

async function rollout(
  name: string,
  check: (output: DiffusionOutput, pipeline: RolloutPipeline) => void | Promise<void>,
): Promise<void> {
  const pipeline = load(name);
  const output = await pipeline.forward(seeded(1), OPTIONS);
  try {
    await check(output, pipeline);
  } finally {
    disposeOutput(output);
    pipeline.dispose();
  }
}

function disposeOutput({ output, customOutput }: DiffusionOutput): void {
  const tensors = [output, ...Object.values(customOutput)];
  tf.dispose(tensors.filter((one) => one instanceof tf.Tensor));
}

/** Rollouts for objectives that learn from noised data. */
const CLEAN = {
  'QwenImagePipeline/dpo': 'it keeps the clean latents and no trajectory',
  'QwenImagePipeline/diffusion_nft': 'it keeps the clean latents and no trajectory',
  'StableDiffusion3Pipeline/dpo': 'it keeps the clean latents and no trajectory',
};

describe('rollout pipelines contract', function () {
  this.timeout(240_000);
  let names: string[] = [];
  after(unregisterDocumentedParts);
  before(async () => {
    await registerDocumentedParts();
    names = VllmOmniPipelineBase.registered();
  });

  it('the path of every pipeline, where it has one, names the class', () =>
    every(names, (name) => {
      const [architecture, algorithm] = name.split('/');
      const path = VllmOmniPipelineBase.getPipelinePath(architecture, algorithm);
      if (path === null) return;
      const [module, exported] = path.split('#');
      const found = createRequire(__filename)(module) as Record<string, unknown>;
      assert.equal(found[exported], classOf(name));
    }));

  it('every pipeline makes one picture a prompt, in the size that the configuration says', () =>
    every(names, (name) =>
      rollout(name, ({ output }) => {
        const { side } = architectureOf(name);
        const pictures = output as { width: number; height: number }[];
        assert.deepEqual(
          pictures.map(({ width, height }) => [width, height]),
          [
            [side, side],
            [side, side],
          ],
        );
      }),
    ));

  it('every pipeline keeps the trajectory of its window, with finite log-probabilities', () =>
    every(
      names,
      (name) =>
        rollout(name, ({ customOutput }) => {
          const { latents } = architectureOf(name);
          const { all_latents, all_log_probs, all_timesteps, prompt_embeds } = customOutput;
          assert.deepEqual(all_latents.shape, [2, 3, ...latents]);
          assert.deepEqual(all_timesteps.shape, [2, 2]);
          assert.equal(prompt_embeds.shape[0], 2);
          assert.deepEqual(all_log_probs?.shape, [2, 2]);
          assert.ok(all_log_probs?.dataSync().every(Number.isFinite));
        }),
      CLEAN,
    ));

  it('every pipeline makes the same pictures of the same seed, others of another, and leaves no tensor', () =>
    every(names, (name) =>
      rollout(name, async ({ output }, pipeline) => {
        const pixels = (made: DiffusionOutput) =>
          (made.output as { data: Uint8Array }[]).map(({ data }) =>
            Buffer.from(data).toString('hex'),
          );
        const before = tf.memory().numTensors;
        const again = await pipeline.forward(seeded(1), OPTIONS);
        const other = await pipeline.forward(seeded(2), OPTIONS);
        assert.deepEqual(pixels(again), pixels({ output, customOutput: again.customOutput }));
        assert.notDeepEqual(pixels(other), pixels(again));
        [again, other].forEach(disposeOutput);
        assert.equal(tf.memory().numTensors, before);
      }),
    ));
});
