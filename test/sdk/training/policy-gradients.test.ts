import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
  QwenImage,
  RandomKey,
  RolloutBatch,
  groupAdvantages,
  loadPipeline,
  policyGradients,
  replayPolicy,
  rolloutGroups,
  tf,
  type PolicyGradientOptions,
  type PolicyGradients,
  type PolicyModel,
  type QwenImagePipelineWithLogProb,
} from '@flowbook/sdk';

const MODEL = join(__dirname, '../../golden/models/tiny-qwen-image');

describe('policyGradients()', () => {
  let pipeline: QwenImagePipelineWithLogProb;
  let model: PolicyModel;
  let batch: RolloutBatch;
  let advantages: tf.Tensor2D;
  /** (B, W, S, C) means of the recorded steps under the policy that rolled out. */
  let means: tf.Tensor;

  before(async () => {
    pipeline = await loadPipeline(MODEL, { height: 32, width: 32, num_inference_steps: 4 });
    const modelConfig = pipeline.modelConfig.with({ algo: { noise_level: 0.7 } });
    const scheduler = QwenImage.buildScheduler(modelConfig);
    model = { transformer: pipeline.transformer, modelConfig, scheduler };
    batch = await rolloutGroups(pipeline, [{ prompt: 'a fox' }, { prompt: 'two cats' }], {
      key: RandomKey.fromSeed(1),
      groupSize: 2,
      sdeWindowRange: [0, 3],
    });
    advantages = groupAdvantages([1, 2, 5, 3], batch.groups, { width: batch.windowSize });
    const rows = batch.rows([0, 1, 2, 3]);
    const steps = [0, 1].map((step) => {
      const { all_latents, all_timesteps, prompt_embeds, prompt_embeds_mask } = rows;
      const [inputs] = QwenImage.prepareModelInputs(
        model.transformer,
        modelConfig,
        all_latents,
        all_timesteps,
        prompt_embeds,
        prompt_embeds_mask,
        null,
        null,
        rows,
        step,
      );
      const { transformer } = model;
      return QwenImage.forwardAndSamplePreviousStep(
        transformer,
        scheduler,
        modelConfig,
        inputs,
        null,
        rows,
        step,
      )[1];
    });
    means = tf.stack(steps, 1);
  });

  after(() => pipeline.dispose());

  /** Of the batch with some tensors exchanged; reads what `look` wants and frees the rest. */
  async function gradientsOf<Result>(
    options: PolicyGradientOptions,
    exchanged: Partial<RolloutBatch['tensors']>,
    look: (policy: PolicyGradients) => Result,
  ): Promise<Result> {
    const changed = new RolloutBatch({ ...batch.tensors, ...exchanged }, batch);
    const policy = await policyGradients(model, changed, advantages, options);
    try {
      return look(policy);
    } finally {
      policy.dispose();
    }
  }

  it('refuses rows that the batch has not, and advantages of another shape', async () => {
    for (const rows of [[], [4], [0, -1], [0.5]]) {
      await assert.rejects(policyGradients(model, batch, advantages, { rows }), {
        message: `Cannot compute a policy gradient as rows must be pictures of the batch, 0 to 3, one at least: current value is ${rows.at(-1) ?? '[]'}`,
      });
    }
    for (const shape of [
      [4, 1],
      [1, 2],
      [4, 3],
    ] as [number, number][]) {
      const other = tf.ones<tf.Rank.R2>(shape);
      await assert.rejects(policyGradients(model, batch, other), {
        message: `Cannot compute a policy gradient as advantages must be (B, W), [4, 2]: their shape is [${shape}]`,
      });
      other.dispose();
    }
  });

  it('says what each micro-batch and step contributes', async () => {
    await gradientsOf({ microBatchSize: 3 }, {}, ({ parts, loss, ratioMean }) => {
      const places = parts.map(({ rows, step }) => [rows.join(), step]);
      assert.deepEqual(places, [
        ['0,1,2', 0],
        ['0,1,2', 1],
        ['3', 0],
        ['3', 1],
      ]);
      const mean = (key: string) =>
        parts.reduce((sum, { rows, metrics }) => sum + (metrics[key] * rows.length) / 8, 0);
      assert.ok(Math.abs(mean('loss') - loss) < 1e-7);
      assert.ok(Math.abs(mean('actor/ratio_mean') - ratioMean) < 1e-7);
      const recorded = batch.tensors.all_log_probs?.arraySync() as number[][];
      parts.forEach(({ rows, step, logProbs }) =>
        rows.forEach((row, at) => assert.ok(Math.abs(logProbs[at] - recorded[row][step]) < 1e-5)),
      );
    });
  });

  it('adds the distance to a reference, which is 0 from itself', async () => {
    const kl = (ref: tf.Tensor, klLossCoef: number) =>
      gradientsOf({ klLossCoef }, { ref_prev_sample_mean: ref }, ({ loss, parts }) => ({
        loss,
        kl: parts.reduce((sum, { metrics }) => sum + metrics['actor/kl_loss'], 0) / parts.length,
      }));
    const plain = await gradientsOf({}, {}, ({ loss }) => loss);
    const same = await kl(means, 0.5);
    const shifted = await kl(tf.add(means, 0.1), 0.5);
    assert.ok(same.kl < 1e-10);
    assert.ok(Math.abs(same.loss - plain) < 1e-6);
    assert.ok(shifted.kl > 1e-3);
    assert.ok(Math.abs(shifted.loss - plain - 0.5 * shifted.kl) < 1e-6);
  });

  it('gives GRPO-Guard and Flow-DPPO ratio 1 on the policy that rolled out', async () => {
    for (const lossMode of ['grpo_guard', 'flow_dppo']) {
      await gradientsOf({ lossMode }, { old_prev_sample_mean: means }, ({ parts, gradients }) => {
        for (const { metrics } of parts) {
          assert.ok(Math.abs(metrics['actor/ratio_mean'] - 1) < 1e-5);
        }
        assert.ok(gradients.size > 0);
      });
    }
  });

  it('passes settings on to the loss: Flow-DPPO drops rows by its threshold', async () => {
    const exchanged = {
      old_prev_sample_mean: tf.add(means, 0.2),
      all_log_probs: tf.sub(batch.tensors.all_log_probs as tf.Tensor2D, 0.1) as tf.Tensor2D,
    };
    const masked = (kl_mask_threshold: number) =>
      gradientsOf(
        { lossMode: 'flow_dppo', lossConfig: { kl_mask_threshold } },
        exchanged,
        ({ parts }) => parts.map(({ metrics }) => metrics['actor/masked_fraction']),
      );
    assert.deepEqual(await masked(1e9), [0, 0]);
    // All ratios are above 1: rows with a positive advantage are dropped, one a group.
    assert.deepEqual(await masked(0), [0.5, 0.5]);
  });

  it('adds the distance to a teacher, by means and by velocities', async () => {
    const replayed = await replayPolicy(model, batch, { microBatchSize: 3, velocity: true });
    const metric = (policy: PolicyGradients, name: string) =>
      [policy.loss, policy.metrics[name]] as const;
    const [plain] = await gradientsOf({}, {}, ({ loss }) => [loss]);
    const byMeans = (teacher: tf.Tensor) =>
      gradientsOf({ distillLossCoef: 2 }, { teacher_prev_sample_mean: teacher }, (policy) =>
        metric(policy, 'actor/distill_kl_loss'),
      );
    const byVelocity = (teacher: tf.Tensor) =>
      gradientsOf(
        { distillLossCoef: 2, distillLossMode: 'distill_fm_mse' },
        { teacher_noise_pred: teacher },
        (policy) => metric(policy, 'actor/distill_fm_mse_loss'),
      );
    const velocities = replayed.noise_pred as tf.Tensor;
    for (const [loss, distance] of [
      await byMeans(replayed.prev_sample_mean),
      await byVelocity(velocities),
    ]) {
      assert.ok(distance < 1e-10);
      assert.ok(Math.abs(loss - plain) < 1e-6);
    }
    const [meansLoss, meansDistance] = await byMeans(tf.add(replayed.prev_sample_mean, 0.1));
    assert.ok(meansDistance > 1e-3);
    assert.ok(Math.abs(meansLoss - plain - 2 * meansDistance) < 1e-6);
    const [velocityLoss, velocityDistance] = await byVelocity(tf.add(velocities, 0.5));
    assert.ok(Math.abs(velocityDistance - 0.25) < 1e-6);
    assert.ok(Math.abs(velocityLoss - plain - 0.5) < 1e-5);
  });

  it('learns from the velocities of a teacher alone by the loss distill_fm_mse', async () => {
    const { log_probs, prev_sample_mean, noise_pred } = await replayPolicy(model, batch, {
      velocity: true,
    });
    const taught = { teacher_noise_pred: tf.add(noise_pred as tf.Tensor, 0.5) };
    await gradientsOf({ lossMode: 'distill_fm_mse' }, taught, ({ loss, gradients }) => {
      assert.ok(Math.abs(loss - 0.25) < 1e-6);
      assert.ok(gradients.size > 0);
    });
    tf.dispose([log_probs, prev_sample_mean, noise_pred as tf.Tensor, taught.teacher_noise_pred]);
  });

  it('replayPolicy() gives the means that the rollout stepped by, and leaks nothing', async () => {
    const { numTensors } = tf.memory();
    const { log_probs, prev_sample_mean, noise_pred } = await replayPolicy(model, batch);
    assert.equal(noise_pred, null);
    const gap = (a: tf.Tensor, b: tf.Tensor) =>
      tf.tidy(() => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]);
    assert.ok(gap(prev_sample_mean, means) < 1e-6);
    assert.ok(gap(log_probs, batch.tensors.all_log_probs as tf.Tensor) < 1e-5);
    tf.dispose([log_probs, prev_sample_mean]);
    assert.equal(tf.memory().numTensors, numTensors);
  });

  it('multiplies each step by the weight of its rollout', async () => {
    const lossOf = (weights: number[][]) =>
      gradientsOf({}, { rollout_is_weights: tf.tensor2d(weights) }, ({ loss }) => loss);
    const ones = Array<number[]>(4).fill([1, 1]);
    const plain = await gradientsOf({}, {}, ({ loss }) => loss);
    assert.ok(Math.abs((await lossOf(ones)) - plain) < 1e-7);
    assert.equal(Math.abs(await lossOf(Array<number[]>(4).fill([0, 0]))), 0);
    const A = advantages.arraySync();
    const half = await lossOf([[2, 0], ...Array<number[]>(3).fill([0, 0])]);
    assert.ok(Math.abs(half + (2 * A[0][0]) / 8) < 1e-5);
  });

  it('rejects, in bypass mode, the steps on which the policy left the rollout', async () => {
    const shifts = tf.tensor2d([
      [0, 2],
      [0, 0],
      [0, 0],
      [-2, 0],
    ]);
    const exchanged = () => ({
      all_log_probs: tf.sub(batch.tensors.all_log_probs as tf.Tensor2D, shifts) as tf.Tensor2D,
    });
    const rolloutCorrection = {
      bypass_mode: true,
      rollout_is: 'sequence' as const,
      rollout_rs: 'seq_mean_k1',
      rollout_rs_threshold: '0.5_2',
    };
    const A = advantages.arraySync().flat();
    // With a wide clip the loss is -A ratio; all that is kept has ratio 1, whatever rollout_is says.
    const kept = [0, 2, 3, 4, 5, 7].reduce((sum, at) => sum - A[at] / 8, 0);
    await gradientsOf({ clipRatio: 100, rolloutCorrection }, exchanged(), ({ loss, metrics }) => {
      assert.ok(Math.abs(loss - kept) < 1e-4, `${loss} ${kept}`);
      assert.equal(metrics['actor/rollout_corr/rollout_rs_masked_fraction'], 0.25);
      assert.ok(metrics['actor/rollout_corr/rollout_is_mean'] > 1);
    });
  });

  it("prefers recomputed log-probabilities to the rollout's", async () => {
    const exchanged = { old_log_probs: tf.add(batch.tensors.all_log_probs as tf.Tensor2D, 1) };
    await gradientsOf({}, exchanged, ({ ratioMean, ratioGap }) => {
      assert.ok(Math.abs(ratioMean - Math.exp(-1)) < 1e-5);
      assert.ok(Math.abs(ratioGap - (1 - Math.exp(-1))) < 1e-5);
    });
  });

  it("counts every picture alike, and every micro-batch in compat 'verl-omni'", async () => {
    const A = advantages.arraySync().map(([first]) => first);
    const lossOf = (compat: 'verl-omni' | null) =>
      gradientsOf({ microBatchSize: 3, lossConfig: { compat } }, {}, ({ loss }) => loss);
    assert.ok(Math.abs(await lossOf(null)) < 1e-5);
    const upstream = -((A[0] + A[1] + A[2]) / 3 + A[3]) / 2;
    assert.ok(Math.abs((await lossOf('verl-omni')) - upstream) < 1e-5);
  });

  it('keeps the scale of the KL term when the transition reports another std', async () => {
    const { pipeline: sizes } = model.modelConfig;
    assert.equal(sizes.num_inference_steps, 4);
    const config = model.modelConfig.with({ algo: { sde_type: 'dance_sde' } });
    const dance = { ...model, modelConfig: config };
    const { prev_sample_mean } = await replayPolicy(dance, batch);
    const reference = tf.add(prev_sample_mean, 0.1);
    const exchanged = new RolloutBatch(
      { ...batch.tensors, ref_prev_sample_mean: reference },
      batch,
    );
    const kl = async (compat: 'verl-omni' | null) => {
      const options = { klLossCoef: 1, lossConfig: { compat, clip_ratio: 100 } };
      const policy = await policyGradients(dance, exchanged, advantages, options);
      policy.dispose();
      return policy.metrics['actor/kl_loss'];
    };
    // dance_sde's diffusion coefficient is eta itself: 0.1^2 / (2 0.7^2).
    const value = await kl(null);
    assert.ok(Math.abs(value - 0.01 / 0.98) < 1e-6, `${value}`);
    const upstream = await kl('verl-omni');
    assert.ok(upstream > (2 * 0.01) / 0.98, `${upstream}`);
    tf.dispose([prev_sample_mean, reference]);
  });

  it('names the means that a loss lacks, and leaks nothing then', async () => {
    const { numTensors } = tf.memory();
    await assert.rejects(
      policyGradients(model, batch, advantages, { lossMode: 'grpo_guard' }),
      /Cannot compute loss "grpo_guard" as inputs are missing: old_prev_sample_mean/,
    );
    assert.equal(tf.memory().numTensors, numTensors);
  });
});
