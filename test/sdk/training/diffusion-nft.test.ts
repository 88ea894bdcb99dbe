import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
  DiffusionNFTTrainer,
  loadPipeline,
  tf,
  trainDiffusionNFT,
  type DiffusionNFTOptions,
  type QwenImageDiffusionNFTPipeline,
} from '@flowbook/sdk';

const MODEL = join(__dirname, '../../golden/models/tiny-qwen-image');
const CONFIG = { algorithm: 'diffusion_nft', height: 32, width: 32, num_inference_steps: 3 };

const SMALL = {
  prompts: ['a red fox', 'two cats'],
  reward: 'redness',
  groupSize: 4,
  steps: 2,
  compile: false,
  microBatchSize: 4,
  learningRate: 1e-3,
  warmupSteps: 1,
} satisfies DiffusionNFTOptions;
const LORA = {
  ...SMALL,
  timestepFraction: 0.34,
  lora: { rank: 2, targetModules: ['to_q', 'to_v'] },
};

describe('trainDiffusionNFT()', () => {
  let pipeline: QwenImageDiffusionNFTPipeline;

  beforeEach(async () => {
    pipeline = await loadPipeline(MODEL, CONFIG);
  });

  afterEach(() => pipeline.dispose());

  const valuesOf = (tensors: ReadonlyMap<string, tf.Tensor>) =>
    [...tensors.values()].map((one) => Array.from(one.dataSync().slice(0, 8)));
  const base = () => valuesOf(pipeline.transformer.parameters);
  const adapters = () => valuesOf(pipeline.transformer.trainableVariables());

  it('moves the default adapter alone; the old one follows by its schedule', async () => {
    const frozen = base();
    const trainer = new DiffusionNFTTrainer(pipeline, { ...LORA, oldPolicyUpdateInterval: 2 });
    const start = adapters();
    assert.deepEqual(valuesOf(trainer.old.values()), start);
    const first = await trainer.step();
    assert.equal(first.oldPolicyDecay, null);
    assert.equal(first.metrics['actor/old_deviate'], 0);
    assert.notDeepEqual(adapters(), start);
    assert.deepEqual(valuesOf(trainer.old.values()), start);
    const second = await trainer.step();
    assert.equal(second.oldPolicyDecay, 0);
    assert.ok(second.metrics['actor/old_deviate'] > 0);
    assert.deepEqual(valuesOf(trainer.old.values()), adapters());
    assert.deepEqual(base(), frozen);
    trainer.dispose();
    assert.deepEqual(pipeline.transformer.adapters.names(), ['default']);
  });

  it('compiled, tells the trained policy from the old one as it does uncompiled', async () => {
    const options = { ...LORA, steps: 4, oldPolicyUpdateInterval: 2 };
    const deviations = async (compile: boolean) => {
      const { log } = await trainDiffusionNFT(pipeline, { ...options, compile });
      pipeline.dispose();
      pipeline = await loadPipeline(MODEL, CONFIG);
      return log.map((line) => line['actor/old_deviate']);
    };
    const [plain, compiled] = [await deviations(false), await deviations(true)];
    for (const step of [1, 3]) {
      assert.ok(plain[step] > 0);
      assert.ok(Math.abs(compiled[step] / plain[step] - 1) < 0.01, `${compiled} ${plain}`);
    }
  });

  it('repeats itself to the last bit for the same seed, and not for another', async () => {
    const first = await trainDiffusionNFT(pipeline, LORA);
    const again = await loadPipeline<QwenImageDiffusionNFTPipeline>(MODEL, CONFIG);
    const second = await trainDiffusionNFT(again, LORA);
    const afterSecond = valuesOf(again.transformer.trainableVariables());
    again.dispose();
    assert.deepEqual(adapters(), afterSecond);
    const numbers = ({ log }: typeof first) => log.map(({ loss, reward }) => [loss, reward]);
    assert.deepEqual(numbers(first), numbers(second));
    pipeline.transformer.adapters.remove('default');
    const other = await trainDiffusionNFT(pipeline, { ...LORA, seed: 1, steps: 1 });
    assert.notEqual(first.log[0].reward, other.log[0].reward);
  });

  it('trains all weights with frozen copies, and leaves as many tensors as it found', async () => {
    const counts: number[] = [];
    const before = tf.memory().numTensors;
    const start = base();
    await trainDiffusionNFT(pipeline, {
      ...SMALL,
      steps: 3,
      ema: 0.9,
      refKlCoef: 0.1,
      oldPolicySchedule: 'linear_to_0_5',
      timestepFraction: 0.5,
      miniBatchSize: 4,
      onStep: ({ oldPolicyDecay, step }) => {
        assert.equal(oldPolicyDecay, step * 0.001);
        counts.push(tf.memory().numTensors);
      },
    });
    assert.equal(new Set(counts.slice(1)).size, 1, String(counts));
    assert.equal(tf.memory().numTensors, before);
    assert.notDeepEqual(base(), start);
  });

  it('may be disposed twice', () => {
    const { adapters } = pipeline.transformer;
    const trainer = new DiffusionNFTTrainer(pipeline, { ...SMALL, lora: { rank: 2 } });
    trainer.dispose();
    trainer.dispose();
    assert.deepEqual(adapters.names(), ['default']);
    adapters.remove('default');
  });

  it('stops at the signal, with the policy in its place', async () => {
    const controller = new AbortController();
    const { stopped, steps } = await trainDiffusionNFT(pipeline, {
      ...LORA,
      signal: controller.signal,
      reward: async (images) => {
        controller.abort();
        return images.map((_, at) => at);
      },
    });
    assert.deepEqual([stopped, steps], ['aborted', 0]);
    assert.deepEqual(pipeline.transformer.adapters.active, ['default']);
  });

  it('raises a reward that is easy to learn', async () => {
    const { log } = await trainDiffusionNFT(pipeline, {
      ...SMALL,
      prompts: ['a red fox'],
      groupSize: 12,
      microBatchSize: 12,
      steps: 8,
      timestepFraction: 0.7,
      learningRate: 2e-3,
      mixBeta: 1,
    });
    const mean = (lines: typeof log) => lines.reduce((sum, { reward }) => sum + reward, 0) / 3;
    assert.ok(mean(log.slice(-3)) > mean(log.slice(0, 3)) + 0.005, JSON.stringify(log));
  });

  it('refuses a pipeline that keeps no clean latents, and settings that break a rule', async () => {
    const other = await loadPipeline<QwenImageDiffusionNFTPipeline>(MODEL, {
      ...CONFIG,
      algorithm: 'flow_grpo',
    });
    await assert.rejects(trainDiffusionNFT(other, SMALL), {
      message:
        'Cannot train by DiffusionNFT as the rollout must keep its clean latents and times: load the pipeline with algorithm "diffusion_nft"',
    });
    other.dispose();
    await assert.rejects(trainDiffusionNFT(pipeline, { ...SMALL, oldPolicyUpdateInterval: 0 }), {
      message:
        'Cannot train as oldPolicyUpdateInterval must be a whole number from 1: current value is 0',
    });
  });
});
