import type { ConsistencyReport } from './consistency-check';

/**
 * Ends a run whose rollouts are not the trainer's own policy.
 *
 * @param mostGap With old log-probabilities computed anew: the largest mean gap that rounding explains. Null: they are the
 *   rollout's, and every ratio must start within the clip range.
 */
export function requireAgreement(consistency: ConsistencyReport, mostGap: number | null): void {
  const { clipRatio, worstRatioGap, meanGap, verdict, words } = consistency;
  if (mostGap !== null) {
    if (meanGap <= mostGap) return;
    throw new Error(
      `Cannot train on rollouts of a server as their log-probabilities must be the trainer's but for rounding, within ${mostGap} on average: the mean gap is ${meanGap}, the worst ${consistency.worstGap}. The server has other weights, or another schedule, guidance or noise. Set onMismatch to 'report' to train all the same`,
    );
  }
  if (verdict !== 'inconsistent') return;
  throw new Error(
    `Cannot train as the replay of a rollout must give its own log-probabilities, within the clip ratio of ${clipRatio}: largest |ratio - 1| is ${worstRatioGap}. ${words} Set onMismatch to 'report' to train all the same`,
  );
}
