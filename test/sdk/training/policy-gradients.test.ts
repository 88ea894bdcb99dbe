import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
  QwenImage,
  RandomKey,
  RolloutBatch,
  groupAdvantages,
  loadPipeline,
  policyGradients,
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
    pipeline = loadPipeline(MODEL, { height: 32, width: 32, num_inference_steps: 4 });
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

  it('names the means that a loss lacks, and leaks nothing then', async () => {
    const { numTensors } = tf.memory();
    await assert.rejects(
      policyGradients(model, batch, advantages, { lossMode: 'grpo_guard' }),
      /Cannot compute loss "grpo_guard" as inputs are missing: old_prev_sample_mean/,
    );
    assert.equal(tf.memory().numTensors, numTensors);
  });
});
