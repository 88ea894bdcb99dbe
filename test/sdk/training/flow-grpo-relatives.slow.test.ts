import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  FlowGRPOTrainer,
  loadPipeline,
  advantageEstimators,
  losses,
  tf,
  trainFlowGRPO,
  type FlowGRPOOptions,
  type QwenImagePipelineWithLogProb,
  type StepReport,
} from '@flowbook/sdk';

const MODEL = join(__dirname, '../../golden/models/tiny-qwen-image');

const SMALL = {
  prompts: ['a red fox', 'two cats'],
  reward: 'redness',
  groupSize: 2,
  promptsPerStep: 1,
  steps: 2,
  compile: false,
  sdeWindowSize: 1,
  sdeWindowRange: [0, 2],
  warmupSteps: 1,
  learningRate: 1e-3,
} satisfies FlowGRPOOptions;

const near = (actual: number, expected: number, tolerance = 1e-6) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);

describe("trainFlowGRPO() for FlowGRPO's relatives", () => {
  let pipeline: QwenImagePipelineWithLogProb;

  beforeEach(async () => {
    pipeline = await loadPipeline(MODEL, { height: 32, width: 32, num_inference_steps: 3 });
  });

  afterEach(() => pipeline.dispose());

  /** The reports of a short run, which must leave as many tensors as it found. */
  async function reportsOf(options: Partial<FlowGRPOOptions>): Promise<StepReport[]> {
    const reports: StepReport[] = [];
    const adapters = 'lora' in options;
    const before = tf.memory().numTensors;
    await trainFlowGRPO(pipeline, {
      ...SMALL,
      ...options,
      onStep: (report) => void reports.push(report),
    });
    if (!adapters) assert.equal(tf.memory().numTensors, before);
    return reports;
  }

  for (const [lossMode, sdeType] of [
    ['grpo_guard', 'sde'],
    ['grpo_guard', 'cps'],
    ['flow_dppo', 'dance_sde'],
    ['dance_grpo', 'dance_sde'],
  ]) {
    it(`starts ${lossMode} under ${sdeType} with ratio 1, and nothing clipped or dropped`, async () => {
      const [first, second] = await reportsOf({ lossMode, sdeType });
      for (const { ratioMean, clipFraction, approxKl, skippedUpdates } of [first, second]) {
        near(ratioMean, 1, 1e-5);
        assert.deepEqual([clipFraction, skippedUpdates], [0, 0]);
        near(approxKl, 0, 1e-5);
      }
      assert.ok(first.gradNorm > 0);
      assert.equal(first.consistency?.verdict, 'consistent');
      assert.equal(second.consistency, null);
    });
  }

  it('holds adapters to the model without them: no distance at first, some later', async () => {
    const [first, second] = await reportsOf({ klLossCoef: 0.1, lora: { rank: 2 } });
    near(first.metrics['actor/kl_loss'], 0, 1e-9);
    assert.ok(second.metrics['actor/kl_loss'] > 1e-8);
  });

  it('holds all weights to a frozen copy of them', async () => {
    const [first, second] = await reportsOf({ klLossCoef: 0.1 });
    near(first.metrics['actor/kl_loss'], 0, 1e-9);
    assert.ok(second.metrics['actor/kl_loss'] > 1e-8);
  });

  it('compares pictures by the advantage estimator that it is told', async () => {
    advantageEstimators.register('all alike', (_rewards, groups, { width = 1 } = {}) =>
      tf.zeros([groups.length, width]),
    );
    try {
      const reports = await reportsOf({ advEstimator: 'all alike' });
      assert.deepEqual(
        reports.map(({ gradNorm }) => gradNorm),
        [0, 0],
      );
      await assert.rejects(
        reportsOf({ advEstimator: 'unknown' }),
        /^Error: Cannot find advantage estimator "unknown": registered are flow_grpo, dance_grpo, /,
      );
    } finally {
      advantageEstimators.unregister('all alike');
    }
  });

  it('imitates a teacher, by means and by velocities', async () => {
    const teacher = (await loadPipeline(MODEL)).transformer;
    for (const [distillLossMode, metric] of [
      ['distill_kl', 'actor/distill_kl_loss'],
      ['distill_fm_mse', 'actor/distill_fm_mse_loss'],
    ] as const) {
      const [first] = await reportsOf({ teacher, distillLossMode, steps: 1, klLossCoef: 1 });
      // The teacher is the model itself in the first run, and the model has moved away from it in the second.
      const distance = first.metrics[metric];
      if (distillLossMode === 'distill_kl') near(distance, 0, 1e-9);
      else assert.ok(distance > 1e-9);
    }
    for (const lossMode of ['distill_kl', 'distill_fm_mse']) {
      const [{ loss, gradNorm, metrics }] = await reportsOf({ teacher, lossMode, steps: 1 });
      assert.ok(loss > 1e-9 && gradNorm > 0);
      near(metrics[`actor/${lossMode}_loss`], loss);
    }
    teacher.dispose();
  });

  it('corrects rollouts: recomputes, weights by 1 where they agree, and logs the agreement', async () => {
    const rolloutCorrection = {
      rollout_is: 'token',
      rollout_rs: 'seq_mean_k1',
      rollout_rs_threshold: '0.5_2',
    } as const;
    const [first, second] = await reportsOf({ rolloutCorrection });
    for (const { metrics, ratioMean } of [first, second]) {
      near(ratioMean, 1, 1e-5);
      near(metrics['rollout_corr/rollout_is_mean'], 1, 1e-5);
      assert.equal(metrics['rollout_corr/rollout_rs_masked_fraction'], 0);
      assert.ok(metrics['rollout_corr/logprob_abs_diff_max'] < 1e-5);
      const times = Object.keys(metrics).filter((name) => name.includes('/ts_'));
      assert.equal(times.length, 1);
    }
  });

  it('rejects in bypass mode by the loss itself, and refuses it for losses that compare means', async () => {
    const rolloutCorrection = {
      bypass_mode: true,
      rollout_rs: 'token_k2',
      rollout_rs_threshold: 1,
    };
    const [first] = await reportsOf({ rolloutCorrection, steps: 1 });
    assert.equal(first.metrics['actor/rollout_corr/rollout_rs_masked_fraction'], 0);
    assert.throws(
      () => new FlowGRPOTrainer(pipeline, { ...SMALL, rolloutCorrection, lossMode: 'flow_dppo' }),
      /^Error: Cannot use rollout_correction\.bypass_mode with loss "flow_dppo" as that loss compares the step's mean/,
    );
  });

  it('moves the window of MixGRPO with the training step', async () => {
    const [first, second] = await reportsOf({ sampleStrategy: 'progressive' });
    assert.deepEqual(
      [first.window, second.window],
      [
        [0, 1],
        [1, 2],
      ],
    );
  });

  it('adds several rewards up, logs each, and never trains on a picture without one', async () => {
    const shaky = async (images: unknown[]) => images.map((_, at) => (at === 1 ? NaN : 0.5));
    const directory = mkdtempSync(join(tmpdir(), 'flowbook-'));
    try {
      const reports: StepReport[] = [];
      const { log } = await trainFlowGRPO(pipeline, {
        ...SMALL,
        reward: { redness: { reward: 'redness', weight: 2 }, shaky },
        groupSize: 4,
        steps: 1,
        runDirectory: directory,
        onStep: (report) => void reports.push(report),
      });
      const [report] = reports;
      assert.equal(report.rewardFailures, 1);
      assert.deepEqual(
        report.rewards.map((reward) => Number.isNaN(reward)),
        [false, true, false, false],
      );
      const rated = report.rewards.filter((reward) => !Number.isNaN(reward));
      near(report.reward, rated.reduce((sum, reward) => sum + reward, 0) / 3);
      assert.equal(log[0]['reward/shaky'], 0.5);
      assert.ok('reward/redness' in log[0]);
      assert.equal(log[0].rewardFailures, 1);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it("counts 0 for a reward that failed in compat 'verl-omni', and stops when all failed otherwise", async () => {
    const failing = async () => {
      throw new Error('no answer');
    };
    const options = { reward: { redness: 'redness', failing }, steps: 1 };
    await assert.rejects(reportsOf(options), {
      message:
        'Cannot train on pictures as at least one must be rated: rewards failed on all 2: "failing": Cannot score reward "failing" as it failed: no answer',
    });
    const [upstream] = await reportsOf({ ...options, compat: 'verl-omni' });
    assert.equal(upstream.rewardFailures, 2);
    assert.ok(upstream.rewards.every(Number.isFinite));
  });

  it('stops for the only reward when it takes too long from the first step on, and refuses limits that timers do not keep', async () => {
    const forever = () => new Promise<number[]>(() => {});
    await assert.rejects(reportsOf({ reward: forever, rewardTimeoutMs: 20, steps: 1 }), {
      message:
        /^Cannot train on pictures as at least one must be rated: rewards failed on all 2: Cannot score reward "forever" as it failed: it must rate 2 pictures, the first of ".+", within 20 ms$/,
    });
    await assert.rejects(reportsOf({ rewardTimeoutMs: 3e9 }), {
      message:
        'Cannot train as rewardTimeoutMs must be a number of milliseconds from 1 to 2147483647, or null: current value is 3000000000',
    });
  });

  it('leaves an update out when its gradient is not finite, and counts it', async () => {
    const variable = [...pipeline.transformer.trainableVariables().values()][0];
    const before = variable.dataSync();
    losses.register('endless', {
      requiredInputs: ['log_probs'],
      optionalInputs: [],
      compute: ({ log_probs }) => ({ loss: tf.mean(tf.mul(log_probs, Infinity)), metrics: {} }),
    });
    const [report] = await reportsOf({ lossMode: 'endless', steps: 1 });
    losses.unregister('endless');
    assert.deepEqual([report.skippedUpdates, report.clipFraction], [1, 0]);
    near(report.ratioMean, 1, 1e-5);
    assert.deepEqual(variable.dataSync(), before);
  });

  it('evaluates with the mean of the weights, the same pictures for the same weights', async () => {
    const evaluation = { prompts: ['a blue house'], picturesPerPrompt: 2, everySteps: 2 };
    const trainer = new FlowGRPOTrainer(pipeline, { ...SMALL, ema: 0.9, evaluation });
    const first = await trainer.evaluate();
    assert.deepEqual((await trainer.evaluate()).rewards, first.rewards);
    assert.equal(first.images.length, 2);
    assert.notDeepEqual(first.images[0].data, first.images[1].data);
    assert.equal((await trainer.step()).evaluation, null);
    const { evaluation: second } = await trainer.step();
    assert.equal(second?.usesAverage, true);
    assert.deepEqual(await trainer.average?.use(async () => second?.rewards), second?.rewards);
    assert.notDeepEqual(second?.rewards, first.rewards);
    trainer.dispose();
    const plain = new FlowGRPOTrainer(pipeline, SMALL);
    await assert.rejects(plain.evaluate(), {
      message: 'Cannot evaluate as there must be prompts for it: evaluation is null',
    });
    plain.dispose();
  });

  it('stores what the run is configured by in run.json', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'flowbook-'));
    try {
      await trainFlowGRPO(pipeline, {
        ...SMALL,
        steps: 1,
        reward: async (images) => images.map((_, at) => at),
        configuration: { actor: { clip_ratio: 1e-3 } },
        runDirectory: directory,
      });
      const { trainer, model, configuration } = JSON.parse(
        readFileSync(join(directory, 'run.json'), 'utf8'),
      );
      assert.deepEqual(
        [trainer.prompts, trainer.reward, trainer.betas],
        [2, 'reward', [0.9, 0.99]],
      );
      assert.equal(model.pipeline.num_inference_steps, 3);
      assert.equal(model.algo.noise_level, 0.7);
      assert.deepEqual(configuration, { actor: { clip_ratio: 1e-3 } });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it("trains the same pictures with PyTorch's order of mini-batches", async () => {
    const options = { miniBatchSize: 1, ppoEpochs: 2, dataLoaderSeed: 42, steps: 1 };
    const [report] = await reportsOf(options);
    assert.ok(Number.isFinite(report.loss));
    const [cosine] = await reportsOf({ ...options, lrSchedule: 'cosine', warmupSteps: 0 });
    assert.equal(cosine.learningRate, 1e-3);
  });
});
