import { setImmediate } from 'node:timers/promises';
import type { DiffusionModelConfig } from '../config';
import { throwIfAborted } from '../core/cell-signal';
import { computeLoss, lossGradients, type LossConfig } from '../losses';
import {
  forwardAndSamplePreviousStep,
  prepareModelInputs,
  type SchedulerMixin,
  type TrainableModel,
} from '../pipelines';
import { tf } from '../tensorflow';
import { addGradients } from './add-gradients';
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
  /** Further settings of the loss, as Flow-DPPO's `kl_mask_threshold`. Default: the loss's own. */
  lossConfig?: Partial<LossConfig>;
  /** Pictures that go through the model at once. Default 64. */
  microBatchSize?: number;
  /** Default: none. */
  signal?: AbortSignal | null;
}

/** One micro-batch at one step of the window. */
export interface PolicyGradientPart {
  /** Pictures of the micro-batch. */
  rows: readonly number[];
  /** Step of the window, from 0. */
  step: number;
  /** For each picture, under the current weights. */
  logProbs: Float32Array;
  /** `loss`, and what the loss reports by verl-omni's names, as `actor/ratio_mean`. */
  metrics: Record<string, number>;
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
  /** What the sums are made of, in the order of computation. */
  parts: PolicyGradientPart[];
  dispose(): void;
}

/** What the gradients of a model are computed with. */
export interface PolicyModel {
  transformer: TrainableModel;
  /** With the rollout's timesteps. */
  scheduler: SchedulerMixin;
  modelConfig: DiffusionModelConfig;
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
    lossConfig = {},
    microBatchSize = 64,
    signal = null,
  } = options;
  const W = batch.windowSize;
  const oldLogProbs = (await batch.tensors.all_log_probs?.data<'float32'>()) ?? [];
  const variables = transformer.trainableVariables();
  const gradients = new Map<string, tf.Tensor>();
  const kept: tf.Tensor[] = [];
  const dispose = () => {
    tf.dispose([...gradients.values()]);
    gradients.clear();
  };
  const parts: PolicyGradientPart[] = [];
  const sums = { loss: 0, ratioMean: 0, clipFraction: 0, approxKl: 0, ratioGap: 0 };
  try {
    for (let start = 0; start < rows.length; start += microBatchSize) {
      const taken = rows.slice(start, start + microBatchSize);
      const weight = taken.length / rows.length / W;
      const microBatch = batch.rows(taken);
      const A = tf.tidy(() => tf.gather(advantages, tf.tensor1d(taken, 'int32')));
      try {
        for (let step = 0; step < W; step++) {
          throwIfAborted(signal);
          await setImmediate();
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
            kept.push(tf.keep(logProbs.clone()));
            const lossInputs = {
              log_probs: logProbs,
              old_log_probs: stepOf(microBatch.all_log_probs, step),
              advantages: tf.gather(A, step, 1),
              prev_sample_mean: prevSampleMean,
              old_prev_sample_mean: stepOf(microBatch.old_prev_sample_mean, step),
              ref_prev_sample_mean: stepOf(microBatch.ref_prev_sample_mean, step),
              std_dev_t: stdDevT,
              sqrt_dt: sqrtDt,
            };
            const config = { clip_ratio: clipRatio, adv_clip_max: advClipMax, ...lossConfig };
            const policy = computeLoss(lossMode, lossInputs, config);
            if (klLossCoef === 0) return policy;
            const kl = computeLoss('kl', lossInputs);
            return {
              loss: tf.add(policy.loss, tf.mul(kl.loss, klLossCoef)) as tf.Scalar,
              metrics: { ...policy.metrics, ...kl.metrics },
            };
          }, variables);
          const metrics = part.readMetrics();
          addGradients(gradients, part.gradients, weight);
          part.dispose();
          sums.loss += weight * metrics.loss;
          sums.ratioMean += weight * metrics['actor/ratio_mean'];
          sums.clipFraction += weight * metrics['actor/pg_clipfrac'];
          sums.approxKl += weight * metrics['actor/ppo_kl'];
          const logProbs = takeValues(kept);
          const gaps = taken.map((row, at) =>
            Math.abs(Math.expm1(Math.fround(logProbs[at] - oldLogProbs[row * W + step]))),
          );
          sums.ratioGap = Math.max(sums.ratioGap, ...gaps);
          parts.push({ rows: taken, step, logProbs, metrics });
        }
      } finally {
        A.dispose();
        tf.dispose(Object.values(microBatch).filter((value) => value instanceof tf.Tensor));
      }
    }
  } catch (error) {
    dispose();
    tf.dispose(kept);
    throw error;
  }
  return { gradients, ...sums, parts, dispose };
}

/** x[:, step], where there is an x. */
function stepOf(x: tf.Tensor | null | undefined, step: number): tf.Tensor | null {
  return x ? tf.gather(x, step, 1) : null;
}

/** The values of the last tensor, which is taken off the list and disposed. */
function takeValues(tensors: tf.Tensor[]): Float32Array {
  const tensor = tensors.pop() as tf.Tensor;
  const values = tensor.dataSync<'float32'>();
  tensor.dispose();
  return values;
}
