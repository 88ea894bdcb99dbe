import { setImmediate } from 'node:timers/promises';
import type { DiffusionModelConfig } from '../config';
import { throwIfAborted } from '../core/cell-signal';
import { computeLoss, lossGradients } from '../losses';
import {
  forwardAndSamplePreviousStep,
  prepareModelInputs,
  type SchedulerMixin,
  type TrainableModel,
} from '../pipelines';
import { tf } from '../tensorflow';
import type { RolloutBatch } from './rollout-batch';

/** What a policy gradient is computed from. */
export interface PolicyGradientOptions {
  /** Pictures to learn from. Default: all of the batch. */
  rows?: readonly number[];
  /** A registered policy loss. Default 'flow_grpo'. GRPO-Guard and Flow-DPPO need `old_prev_sample_mean`. */
  lossMode?: string;
  /** Weight of the distance to a reference model, which needs `ref_prev_sample_mean`. Default 0. */
  klLossCoef?: number;
  /** How far a ratio may move before its gradient is cut. Default 1e-3. */
  clipRatio?: number;
  /** Advantages are clamped to plus and minus this. Default 5. */
  advClipMax?: number;
  /** Pictures that go through the model at once. Default 64. */
  microBatchSize?: number;
  /** Default: none. */
  signal?: AbortSignal | null;
}

/** The gradient of a policy loss, with what a log shows beside it. */
export interface PolicyGradients {
  /** By variable name. A variable that the loss does not depend on is missing. */
  gradients: Map<string, tf.Tensor>;
  loss: number;
  ratioMean: number;
  clipFraction: number;
  approxKl: number;
  /** Largest |ratio - 1|. */
  ratioGap: number;
  dispose(): void;
}

/** What the gradients of a model are computed with. */
export interface PolicyModel {
  transformer: TrainableModel;
  /** With the rollout's timesteps. */
  scheduler: SchedulerMixin;
  modelConfig: DiffusionModelConfig;
}

/** Adds `weight` times each gradient to the sums; the gradients are disposed. */
function accumulate(
  sums: Map<string, tf.Tensor>,
  gradients: ReadonlyMap<string, tf.Tensor>,
  weight: number,
): void {
  for (const [name, gradient] of gradients) {
    const before = sums.get(name);
    const sum = tf.tidy(() => {
      const part = weight === 1 ? gradient.clone() : tf.mul(gradient, weight);
      return tf.keep(before === undefined ? part : tf.add(before, part));
    });
    before?.dispose();
    sums.set(name, sum);
  }
}

/**
 * The gradient of a policy loss over a rollout: each window step of each picture is replayed through
 * the training adapter for its log-probability under the current weights.
 *
 * The loss is the mean over pictures and window steps. Gradients are summed up over micro-batches, so
 * their size changes nothing but memory and speed.
 *
 * @param advantages (B, W)
 * @throws When the signal is aborted; nothing is leaked then.
 * @example
 * const { gradients, ratioMean } = await policyGradients(model, batch, advantages);
 */
export async function policyGradients(
  { transformer, scheduler, modelConfig }: PolicyModel,
  batch: RolloutBatch,
  advantages: tf.Tensor2D,
  options: PolicyGradientOptions = {},
): Promise<PolicyGradients> {
  const {
    rows = Array.from({ length: batch.size }, (_, row) => row),
    lossMode = 'flow_grpo',
    klLossCoef = 0,
    clipRatio = 1e-3,
    advClipMax = 5,
    microBatchSize = 64,
    signal = null,
  } = options;
  const variables = transformer.trainableVariables();
  const gradients = new Map<string, tf.Tensor>();
  const dispose = () => {
    tf.dispose([...gradients.values()]);
    gradients.clear();
  };
  const sums = { loss: 0, ratioMean: 0, clipFraction: 0, approxKl: 0, ratioGap: 0 };
  try {
    for (let start = 0; start < rows.length; start += microBatchSize) {
      const taken = rows.slice(start, start + microBatchSize);
      const weight = taken.length / rows.length / batch.windowSize;
      const microBatch = batch.rows(taken);
      const A = tf.tidy(() => tf.gather(advantages, tf.tensor1d(taken, 'int32')));
      try {
        for (let step = 0; step < batch.windowSize; step++) {
          throwIfAborted(signal);
          await setImmediate();
          let gap: tf.Scalar | null = null;
          const part = lossGradients(() => {
            const [inputs, negativeInputs] = prepareModelInputs(
              transformer,
              modelConfig,
              microBatch.all_latents,
              microBatch.all_timesteps,
              microBatch.prompt_embeds,
              microBatch.prompt_embeds_mask,
              microBatch.negative_prompt_embeds,
              microBatch.negative_prompt_embeds_mask,
              microBatch,
              step,
            );
            const [logProbs, prevSampleMean, stdDevT, sqrtDt] = forwardAndSamplePreviousStep(
              transformer,
              scheduler,
              modelConfig,
              inputs,
              negativeInputs,
              microBatch,
              step,
            );
            const old = tf.gather(microBatch.all_log_probs as tf.Tensor2D, step, 1);
            gap = tf.keep(tf.max(tf.abs(tf.expm1(tf.sub(logProbs, old)))) as tf.Scalar);
            const lossInputs = {
              log_probs: logProbs,
              old_log_probs: old,
              advantages: tf.gather(A, step, 1),
              prev_sample_mean: prevSampleMean,
              old_prev_sample_mean: stepOf(microBatch.old_prev_sample_mean, step),
              ref_prev_sample_mean: stepOf(microBatch.ref_prev_sample_mean, step),
              std_dev_t: stdDevT,
              sqrt_dt: sqrtDt,
            };
            const config = { clip_ratio: clipRatio, adv_clip_max: advClipMax };
            const policy = computeLoss(lossMode, lossInputs, config);
            if (klLossCoef === 0) return policy;
            const kl = computeLoss('kl', lossInputs);
            return {
              loss: tf.add(policy.loss, tf.mul(kl.loss, klLossCoef)) as tf.Scalar,
              metrics: { ...policy.metrics, ...kl.metrics },
            };
          }, variables);
          const metrics = part.readMetrics();
          accumulate(gradients, part.gradients, weight);
          part.dispose();
          sums.loss += weight * metrics.loss;
          sums.ratioMean += weight * metrics['actor/ratio_mean'];
          sums.clipFraction += weight * metrics['actor/pg_clipfrac'];
          sums.approxKl += weight * metrics['actor/ppo_kl'];
          sums.ratioGap = Math.max(sums.ratioGap, takeNumber(gap));
        }
      } finally {
        A.dispose();
        tf.dispose(Object.values(microBatch).filter((value) => value instanceof tf.Tensor));
      }
    }
  } catch (error) {
    dispose();
    throw error;
  }
  return { gradients, ...sums, dispose };
}

/** x[:, step], where there is an x. */
function stepOf(x: tf.Tensor | null | undefined, step: number): tf.Tensor | null {
  return x ? tf.gather(x, step, 1) : null;
}

function takeNumber(scalar: tf.Scalar | null): number {
  const value = scalar?.dataSync()[0] ?? NaN;
  scalar?.dispose();
  return value;
}
