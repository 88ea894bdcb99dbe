import { mean } from '../../core/statistics';
import { SAFETY_BOUND } from './importance-weights';

type Rows = readonly (readonly number[])[];

/**
 * How far the trainer's policy is from the rollout's, without a prefix: estimators of the KL divergence, perplexities
 * (exp of minus a sample's mean log-probability) and chi-squared divergences.
 *
 * Source: verl's rollout correction (https://verl.readthedocs.io/en/latest/algo/rollout_corr_math.html).
 *
 * @param logProbs (B, W) of the trainer.
 * @param rolloutLogProbs (B, W)
 */
export function offPolicyMetrics(logProbs: Rows, rolloutLogProbs: Rows): Record<string, number> {
  const trained = logProbs.map((row) => mean(row));
  const rolled = rolloutLogProbs.map((row) => mean(row));
  const logRatio = logRatioOf(logProbs, rolloutLogProbs);
  const difference = rolled.map((value, at) => value - trained[at]);
  const bounded = (value: number) => Math.min(Math.max(value, -SAFETY_BOUND), SAFETY_BOUND);
  const all = logRatio.flat();
  const sums = logRatio.map((row) => row.reduce((sum, value) => sum + value, 0));
  return {
    training_ppl: mean(trained.map((value) => Math.exp(-value))),
    training_log_ppl: mean(trained.map((value) => -value)),
    kl: mean(all.map((value) => -value)),
    k3_kl: mean(all.map((value) => Math.exp(value) - value - 1)),
    rollout_ppl: mean(rolled.map((value) => Math.exp(-value))),
    rollout_log_ppl: mean(rolled.map((value) => -value)),
    log_ppl_diff: mean(difference),
    log_ppl_abs_diff: mean(difference.map(Math.abs)),
    log_ppl_diff_max: Math.max(...difference),
    log_ppl_diff_min: Math.min(...difference),
    ppl_ratio: mean(difference.map(Math.exp)),
    chi2_token: mean(all.map((value) => Math.exp(bounded(value)) ** 2)) - 1,
    chi2_seq: mean(sums.map((value) => Math.exp(2 * bounded(value)))) - 1,
  };
}

/** (B, W) logProb - rolloutLogProb in float32. */
export function logRatioOf(logProbs: Rows, rolloutLogProbs: Rows): number[][] {
  return logProbs.map((row, b) =>
    row.map((value, w) => Math.fround(value - rolloutLogProbs[b][w])),
  );
}

/**
 * What a run logs about the agreement of rollout and trainer, by verl-omni's names under `rollout_corr/`: the metrics of
 * `offPolicyMetrics`, and |logProb - rolloutLogProb| in all and for each timestep.
 *
 * @param timesteps (B, W) of the log-probabilities, when there are any.
 * @example
 * const metrics = rolloutAgreement([[1, 2], [3, 5]], [[1.5, 2], [2, 5.5]]);
 * metrics['rollout_corr/logprob_abs_diff_mean']; // 0.5
 */
export function rolloutAgreement(
  logProbs: Rows,
  rolloutLogProbs: Rows,
  timesteps: Rows | null = null,
): Record<string, number> {
  const gaps = logRatioOf(logProbs, rolloutLogProbs).map((row) => row.map(Math.abs));
  const byTime = new Map<number, number[]>();
  timesteps?.forEach((row, b) =>
    row.forEach((time, w) => byTime.set(time, [...(byTime.get(time) ?? []), gaps[b][w]])),
  );
  const times = [...byTime].sort(([a], [b]) => a - b);
  return {
    ...underPrefix(offPolicyMetrics(logProbs, rolloutLogProbs)),
    'rollout_corr/logprob_abs_diff_mean': mean(gaps.flat()),
    'rollout_corr/logprob_abs_diff_max': Math.max(...gaps.flat()),
    ...Object.fromEntries(
      times.map(([time, values]) => [
        `rollout_corr/logprob_abs_diff/ts_${Number(time.toPrecision(4))}`,
        mean(values),
      ]),
    ),
  };
}

/** Metrics by their names in a log. */
export function underPrefix(metrics: Record<string, number>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(metrics).map(([name, value]) => [`rollout_corr/${name}`, value]),
  );
}
