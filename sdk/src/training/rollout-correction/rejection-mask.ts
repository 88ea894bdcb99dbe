import { mean, share, standardDeviation } from '../../core/statistics';
import { SAFETY_BOUND } from './importance-weights';
import { rejectionBounds, type RatioBounds } from './thresholds';

/** Divergences of one step, from its log-ratio r = logProb - rolloutLogProb: estimators of the KL divergence. */
const DIVERGENCES: Record<string, (r: number) => number> = {
  k1: (r) => -r,
  k2: (r) => 0.5 * r * r,
  k3: (r) => Math.exp(r) - 1 - r,
};

/** How the steps of a sample are judged together. */
const TOGETHER: Record<string, (steps: readonly number[]) => number> = {
  sum: (steps) => steps.reduce((total, step) => total + step, 0),
  mean,
  max: (steps) => Math.max(...steps),
};

const CRITERIA = [
  ...['token_k1', 'token_k2', 'token_k3', 'seq_sum_k1', 'seq_sum_k2', 'seq_sum_k3'],
  ...['seq_mean_k1', 'seq_mean_k2', 'seq_mean_k3', 'seq_max_k2', 'seq_max_k3'],
];

/** 1 for what is kept and 0 for what is rejected (B, W), and metrics without a prefix. */
export interface RejectionMask {
  mask: number[][];
  metrics: Record<string, number>;
}

/**
 * Rejects steps or whole samples on which the trainer and the rollout disagree too much.
 *
 * `token_` criteria judge each step, `seq_sum_`, `seq_mean_` and `seq_max_` the steps of a sample together; k1 is the
 * log-ratio with its sign, k2 half its square, k3 the low-variance estimator. All criteria must pass.
 *
 * Source: verl's rollout correction (https://verl.readthedocs.io/en/latest/algo/rollout_corr_math.html). Its criterion
 * `binary_kl` needs probabilities of tokens; steps of a diffusion have densities.
 *
 * @param logRatio (B, W) logProb - rolloutLogProb.
 * @param rolloutRs Criteria, divided by commas, as 'seq_mean_k1'.
 * @param threshold See `rejectionBounds`.
 * @throws When a criterion is unknown or a threshold does not fit.
 */
export function rejectionMask(
  logRatio: readonly (readonly number[])[],
  rolloutRs: string,
  threshold: number | string | null,
): RejectionMask {
  const criteria = criteriaOf(rolloutRs);
  const bounds = rejectionBounds(criteria, threshold);
  const safe = logRatio.map((row) =>
    row.map((value) => Math.min(Math.max(value, -SAFETY_BOUND), SAFETY_BOUND)),
  );
  let mask = logRatio.map((row) => row.map(() => 1));
  const metrics: Record<string, number> = {};
  criteria.forEach((criterion, at) => {
    const judged = judge(safe, criterion, bounds[at]);
    mask = mask.map((row, b) => row.map((kept, w) => kept * judged.mask[b][w]));
    Object.assign(metrics, judged.metrics, maskMetrics(judged.mask, `rollout_rs_${criterion}_`));
  });
  return { mask, metrics: { ...metrics, ...maskMetrics(mask, 'rollout_rs_') } };
}

function criteriaOf(rolloutRs: string): string[] {
  const names = rolloutRs.split(',').map((part) => part.trim());
  const criteria = [...new Set(names.filter((name) => name !== ''))];
  const unknown = criteria.find((name) => !CRITERIA.includes(name));
  if (criteria.length === 0 || unknown !== undefined) {
    throw new Error(
      `Cannot reject samples as rollout_rs must name criteria out of ${CRITERIA.join(', ')}: current value is ${unknown ?? rolloutRs}`,
    );
  }
  return criteria;
}

/** Which steps pass one criterion. */
function judge(
  logRatio: readonly (readonly number[])[],
  criterion: string,
  bounds: RatioBounds,
): RejectionMask {
  const divergence = DIVERGENCES[criterion.slice(-2)];
  const perStep = logRatio.map((row) => row.map(divergence));
  const together = TOGETHER[/^seq_(\w+)_k/.exec(criterion)?.[1] ?? ''];
  const isSequence = together !== undefined;
  const perSample = perStep.map(together ?? mean);
  const judged = isSequence ? perStep.map((row, at) => row.map(() => perSample[at])) : perStep;
  // k1 is bounded by ratios, which its log-ratios are compared with.
  const isRatio = bounds.lower !== null;
  const lower = isRatio ? Math.log(bounds.lower as number) : -Infinity;
  const upper = isRatio ? Math.log(bounds.upper) : bounds.upper;
  const passes = (value: number) => value >= lower && value <= upper;
  const shown = isSequence ? perSample : judged.flat();
  const clamped = judged
    .flat()
    .map((value) => Math.min(Math.max(value, isRatio ? lower : 0), upper));
  const isHigh = (value: number) => value > upper;
  const isLow = (value: number) => value < lower;
  const prefix = `rollout_rs_${criterion}_`;
  return {
    mask: judged.map((row) => row.map((value) => (passes(value) ? 1 : 0))),
    metrics: {
      [`${prefix}mean`]: mean(judged.flat()),
      [`${prefix}max`]: Math.max(...shown),
      [`${prefix}min`]: Math.min(...shown),
      [`${prefix}fraction_high`]: share(shown, isHigh),
      [`${prefix}fraction_low`]: share(shown, isLow),
      [`${prefix}std`]: clamped.length > 1 ? standardDeviation(clamped, 0) : 0,
      [`${prefix}seq_mean`]: mean(perSample),
      [`${prefix}seq_std`]: perSample.length > 1 ? standardDeviation(perSample, 1) : 0,
      [`${prefix}seq_max`]: Math.max(...perSample),
      [`${prefix}seq_min`]: Math.min(...perSample),
      [`${prefix}seq_max_deviation`]: Math.max(...perSample.map(Math.abs)),
      [`${prefix}seq_fraction_high`]: share(perSample, isHigh),
      ...(isRatio ? { [`${prefix}seq_fraction_low`]: share(perSample, isLow) } : {}),
    },
  };
}

function maskMetrics(mask: readonly (readonly number[])[], prefix: string): Record<string, number> {
  const isRejected = (kept: number) => kept === 0;
  return {
    [`${prefix}masked_fraction`]: share(mask.flat(), isRejected),
    [`${prefix}seq_masked_fraction`]: mean(mask.map((row) => (row.some(isRejected) ? 1 : 0))),
  };
}
