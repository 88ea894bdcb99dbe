/** How the learning rate of pre-training moves: up, level, and down a line. */
export interface PretrainingRate {
  learningRate: number;
  /** Steps over which it rises. */
  warmupSteps: number;
  /** Share of the run after which it falls. */
  levelShare: number;
  /** What it falls to at the last step, as a share of it. */
  finalShare: number;
}

/**
 * The learning rate of a step: a line up over the warm-up, level, then a line down to `finalShare` of it. Most of what is
 * learned shows only as the rate falls.
 *
 * @param step From 1 to `steps`.
 * @example
 * const rate = { learningRate: 1, warmupSteps: 10, levelShare: 0.5, finalShare: 0 };
 * pretrainingRate(75, 100, rate); // 0.5
 */
export function pretrainingRate(
  step: number,
  steps: number,
  { learningRate, warmupSteps, levelShare, finalShare }: PretrainingRate,
): number {
  const rise = Math.min(1, step / Math.max(1, warmupSteps));
  const level = steps * levelShare;
  const fallen = step <= level ? 0 : (step - level) / Math.max(1, steps - level);
  return learningRate * rise * (1 - fallen * (1 - finalShare));
}
