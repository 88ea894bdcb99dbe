import { setImmediate } from 'node:timers/promises';
import { throwIfAborted } from '../core/cell-signal';
import {
  checkOptions,
  COUNT_OR_INFINITY,
  number,
  orNull,
  rule,
  SIGNAL,
  type Rules,
} from '../core/option-rules';
import { mean, share } from '../core/statistics';
import type { LossConfig, LossInputs } from '../losses';
import { stepScale, transitions } from '../schedulers';
import { tf } from '../tensorflow';
import { addGradients } from './add-gradients';
import { modelLossGradients } from './model-loss-gradients';
import {
  checkLossConfig,
  comparesVelocities,
  policyLoss,
  POLICY_LOSS_RULES,
  type PolicyLossOptions,
} from './policy-loss';
import { replayStep, type PolicyModel } from './replay-step';
import type { BatchTensors, RolloutBatch } from './rollout-batch';
import { STEP_DEFAULTS } from './step-defaults';

/** What a policy gradient is computed from. */
export interface PolicyGradientOptions extends PolicyLossOptions {
  /** Pictures to learn from. Default: all of the batch. */
  rows?: readonly number[];
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

/** What the options of a policy gradient must be. */
export const POLICY_GRADIENT_RULES: Rules<PolicyGradientOptions> = {
  ...POLICY_LOSS_RULES,
  rows: rule('a list of rows', (value) => Array.isArray(value)),
  clipRatio: number({ least: 0, most: Infinity }),
  advClipMax: number({ above: 0, most: Infinity }),
  lossConfig: rule('an object', (value) => typeof value === 'object' && value !== null),
  microBatchSize: COUNT_OR_INFINITY,
  signal: orNull(SIGNAL),
};

const ACTION = 'compute a policy gradient';

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
  /** Share of ratios that were clipped; of steps that were dropped, where the loss drops instead. */
  clipFraction: number;
  approxKl: number;
  /** Largest |ratio - 1| of plain ratios, exp(logProb - old logProb). */
  ratioGap: number;
  /** Means of what the loss reports, by verl-omni's names. */
  metrics: Record<string, number>;
  /** What the sums are made of, in the order of computation. */
  parts: PolicyGradientPart[];
  /** Frees the gradients. */
  dispose(): void;
}

/**
 * The gradient of a policy loss over a rollout: each window step of each picture is replayed through
 * the training adapter for its log-probability under the current weights.
 *
 * The loss is the mean over pictures and window steps. Gradients are summed up over micro-batches, so
 * their size changes nothing but memory and speed. `lossConfig.compat: 'verl-omni'` weights every micro-batch alike, so
 * that pictures of a smaller last one count more.
 *
 * The old policy's log-probabilities are `old_log_probs` where the batch has them, else the rollout's `all_log_probs`.
 *
 * @param advantages (B, W)
 * @throws When there is no such option or one breaks its rule, `rows` are none or not the batch's, advantages have another shape, and when
 *   the signal is aborted; nothing is leaked then.
 * @example
 * const { transformer, modelConfig } = pipeline;
 * const key = RandomKey.fromSeed(1);
 * const noiseLevel = modelConfig.algo.noise_level;
 * const batch = await rolloutGroups(pipeline, [{ prompt: 'a red circle' }], { key, groupSize: 2, noiseLevel });
 * const advantages = groupAdvantages([1, 0], batch.groups, { width: batch.windowSize });
 * const model = { transformer, modelConfig, scheduler: buildScheduler(modelConfig) };
 * const { gradients, ratioMean, dispose } = await policyGradients(model, batch, advantages);
 * ratioMean; // 1
 * dispose();
 */
export async function policyGradients(
  model: PolicyModel,
  batch: RolloutBatch,
  advantages: tf.Tensor2D,
  options: PolicyGradientOptions = {},
): Promise<PolicyGradients> {
  checkOptions(ACTION, options, POLICY_GRADIENT_RULES);
  checkLossConfig(ACTION, options.lossConfig ?? {}, options);
  const {
    rows = Array.from({ length: batch.size }, (_, row) => row),
    clipRatio = STEP_DEFAULTS.clipRatio,
    advClipMax = STEP_DEFAULTS.advClipMax,
    lossConfig = {},
    microBatchSize = STEP_DEFAULTS.microBatchSize,
    signal = null,
    ...objective
  } = options;
  const config: Partial<LossConfig> = {
    ...stepScale(transitions.get(model.modelConfig.algo.sde_type)),
    clip_ratio: clipRatio,
    adv_clip_max: advClipMax,
    ...lossConfig,
  };
  const velocity = comparesVelocities(objective);
  const W = batch.windowSize;
  requireRows(rows, batch.size);
  if (advantages.shape.join() !== [batch.size, W].join()) {
    throw new Error(
      `Cannot compute a policy gradient as advantages must be (B, W), [${batch.size}, ${W}]: their shape is [${advantages.shape}]`,
    );
  }
  const { old_log_probs, all_log_probs } = batch.tensors;
  const oldLogProbs = (await (old_log_probs ?? all_log_probs)?.data<'float32'>()) ?? [];
  const variables = model.transformer.trainableVariables();
  const microBatches = Math.ceil(rows.length / microBatchSize);
  const gradients = new Map<string, tf.Tensor>();
  const kept: tf.Tensor[] = [];
  const dispose = () => {
    tf.dispose([...gradients.values()]);
    gradients.clear();
  };
  const parts: PolicyGradientPart[] = [];
  const sums: Record<string, number> = {};
  // What a loss that reports no ratios is logged by.
  const plain = { ratioMean: 0, clipFraction: 0, approxKl: 0 };
  let ratioGap = 0;
  try {
    for (let start = 0; start < rows.length; start += microBatchSize) {
      const taken = rows.slice(start, start + microBatchSize);
      const part = lossConfig.compat ? 1 / microBatches : taken.length / rows.length;
      const weight = part / W;
      const microBatch = batch.rows(taken);
      const A = tf.tidy(() => tf.gather(advantages, tf.tensor1d(taken, 'int32')));
      try {
        for (let step = 0; step < W; step++) {
          throwIfAborted(signal);
          await setImmediate();
          const part = await modelLossGradients(
            model.transformer,
            (transformer) => replayStep({ ...model, transformer }, microBatch, step, velocity),
            (replayed) => {
              kept.push(tf.keep(replayed.log_probs.clone()));
              const compared = comparedWith(microBatch, step);
              const inputs = { ...replayed, ...compared, advantages: tf.gather(A, step, 1) };
              return policyLoss(inputs, objective, config);
            },
            variables,
          );
          const metrics = part.readMetrics();
          addGradients(gradients, part.gradients, weight);
          part.dispose();
          for (const [name, value] of Object.entries(metrics)) {
            sums[name] = (sums[name] ?? 0) + weight * value;
          }
          const logProbs = takeValues(kept);
          const logRatios = taken.map((row, at) =>
            Math.fround(logProbs[at] - oldLogProbs[row * W + step]),
          );
          const gaps = logRatios.map((logRatio) => Math.abs(Math.expm1(logRatio)));
          ratioGap = Math.max(ratioGap, ...gaps);
          plain.ratioMean += weight * mean(logRatios.map(Math.exp));
          plain.clipFraction += weight * share(gaps, (gap) => gap > clipRatio);
          plain.approxKl -= weight * mean(logRatios);
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
  const { loss, ...metrics } = sums;
  return {
    gradients,
    loss,
    ratioMean: metrics['actor/ratio_mean'] ?? plain.ratioMean,
    clipFraction:
      metrics['actor/pg_clipfrac'] ?? metrics['actor/masked_fraction'] ?? plain.clipFraction,
    approxKl: metrics['actor/ppo_kl'] ?? plain.approxKl,
    ratioGap,
    metrics,
    parts,
    dispose,
  };
}

function requireRows(rows: readonly number[], B: number): void {
  const wrong = rows.find((row) => !(Number.isInteger(row) && row >= 0 && row < B));
  if (rows.length > 0 && wrong === undefined) return;
  throw new Error(
    `Cannot compute a policy gradient as rows must be pictures of the batch, 0 to ${B - 1}, one at least: current value is ${wrong ?? '[]'}`,
  );
}

/** What a step is compared with, under the losses' names. */
function comparedWith(microBatch: BatchTensors, step: number): LossInputs {
  const at = (x: tf.Tensor | null | undefined) => (x ? tf.gather(x, step, 1) : null);
  return {
    old_log_probs: at(microBatch.old_log_probs ?? microBatch.all_log_probs),
    old_prev_sample_mean: at(microBatch.old_prev_sample_mean),
    ref_prev_sample_mean: at(microBatch.ref_prev_sample_mean),
    teacher_prev_sample_mean: at(microBatch.teacher_prev_sample_mean),
    teacher_noise_pred: at(microBatch.teacher_noise_pred),
    rollout_is_weights: at(microBatch.rollout_is_weights),
  };
}

/** The values of the last tensor, which is taken off the list and disposed. */
function takeValues(tensors: tf.Tensor[]): Float32Array {
  const tensor = tensors.pop() as tf.Tensor;
  const values = tensor.dataSync<'float32'>();
  tensor.dispose();
  return values;
}
