import { mean, share, standardDeviation } from '../../core/statistics';
import { importanceBounds } from './thresholds';

/** What log-ratios are kept within before they become ratios: e^20 is about 5e8. */
export const SAFETY_BOUND = 20;

/** How importance weights are made. */
export interface ImportanceOptions {
  /** 'token' weights each step by its own ratio, 'sequence' all steps of a sample by their product. */
  level: 'token' | 'sequence';
  threshold: number | string;
  /** Divide by the batch's mean, so that the weights average 1. */
  batchNormalize: boolean;
}

/** Weights (B, W), and their metrics without a prefix. */
export interface ImportanceWeights {
  weights: number[][];
  metrics: Record<string, number>;
}

const clamp = (value: number, low: number, high: number) => Math.min(Math.max(value, low), high);

/**
 * Truncated importance weights, exp(logProb - rolloutLogProb): what a sample of the rollout's policy counts under the
 * trainer's. Too large ones are cut to the threshold; with two bounds those outside are 0.
 *
 * Source: verl's rollout correction (https://verl.readthedocs.io/en/latest/algo/rollout_corr_math.html).
 *
 * @param logRatio (B, W) logProb - rolloutLogProb.
 */
export function importanceWeights(
  logRatio: readonly (readonly number[])[],
  { level, threshold, batchNormalize }: ImportanceOptions,
): ImportanceWeights {
  if (!['token', 'sequence'].includes(level)) {
    throw new Error(
      `Cannot weight samples as rollout_is must be token, sequence or null: current value is ${level}`,
    );
  }
  const { lower, upper } = importanceBounds(threshold);
  const isSequence = level === 'sequence';
  const sums = logRatio.map((row) => row.reduce((sum, value) => sum + value, 0));
  const raw = logRatio.map((row, at) =>
    row.map((value) => Math.exp(clamp(isSequence ? sums[at] : value, -SAFETY_BOUND, SAFETY_BOUND))),
  );
  const truncate = (ratio: number) => {
    if (lower === null) return Math.min(ratio, upper);
    return ratio >= lower && ratio <= upper ? ratio : 0;
  };
  const weights = raw.map((row) => row.map(truncate));
  const metrics = weightMetrics(weights, { lower: lower ?? 1 / upper, upper });
  Object.assign(
    metrics,
    isSequence ? sumMetrics(sums, lower, upper) : ratioMetrics(raw, weights, lower, upper),
  );
  if (lower !== null) {
    metrics.rollout_is_oob_ratio = share(raw.flat(), (ratio) => ratio < lower || ratio > upper);
  }
  if (!batchNormalize) return { weights, metrics };
  const factor = mean(weights.flat());
  const isUsable = factor > 1e-8;
  metrics.rollout_is_batch_norm_factor = isUsable ? factor : 1;
  return {
    weights: isUsable ? weights.map((row) => row.map((weight) => weight / factor)) : weights,
    metrics,
  };
}

/** Of the weights as they are applied. */
function weightMetrics(
  weights: readonly (readonly number[])[],
  { lower, upper }: { lower: number; upper: number },
): Record<string, number> {
  const all = weights.flat();
  const perSample = weights.map((row) => mean(row));
  const average = mean(all);
  return {
    rollout_is_mean: average,
    rollout_is_std: all.length > 1 ? standardDeviation(all, 0) : 0,
    rollout_is_eff_sample_size: 1 / mean(all.map((weight) => (weight / (average + 1e-8)) ** 2)),
    rollout_is_seq_mean: mean(perSample),
    rollout_is_seq_std: perSample.length > 1 ? standardDeviation(perSample, 1) : 0,
    rollout_is_seq_max: Math.max(...perSample),
    rollout_is_seq_min: Math.min(...perSample),
    rollout_is_seq_max_deviation: Math.max(...perSample.map((weight) => Math.abs(weight - 1))),
    rollout_is_seq_fraction_high: share(perSample, (weight) => weight > upper),
    rollout_is_seq_fraction_low: share(perSample, (weight) => weight < lower),
  };
}

/** Of the samples' ratios before they are cut. */
function sumMetrics(
  sums: readonly number[],
  lower: number | null,
  upper: number,
): Record<string, number> {
  const [low, high] = [Math.log(lower ?? 1 / upper), Math.log(upper)];
  return {
    rollout_is_max: Math.exp(Math.min(Math.max(...sums), SAFETY_BOUND)),
    rollout_is_min: Math.exp(Math.min(...sums)),
    rollout_is_ratio_fraction_high: share(sums, (sum) => sum > high),
    rollout_is_ratio_fraction_low: share(sums, (sum) => sum < low),
  };
}

/** Of the steps' ratios: extremes after the cut, shares before it. */
function ratioMetrics(
  raw: readonly (readonly number[])[],
  weights: readonly (readonly number[])[],
  lower: number | null,
  upper: number,
): Record<string, number> {
  const low = lower ?? 1 / upper;
  return {
    rollout_is_max: Math.max(...weights.flat()),
    rollout_is_min: Math.min(...weights.flat()),
    rollout_is_ratio_fraction_high: share(raw.flat(), (ratio) => ratio > upper),
    rollout_is_ratio_fraction_low: share(raw.flat(), (ratio) => ratio < low),
  };
}
