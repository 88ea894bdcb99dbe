/** What a line of the log says itself: no monitor may be called so. */
export const OWN_NAMES: readonly string[] = [
  ...['step', 'seconds', 'reward', 'rewardStd', 'diversity', 'loss', 'learningRate', 'gradNorm'],
  // Alarms stand between the lines, as rows of a step and this.
  'alarm',
  ...['ratioMean', 'clipFraction', 'approxKl', 'replayGap'],
  ...['rewardFailures', 'skippedUpdates', 'skippedSamples', 'rolledBack'],
  ...['staleness', 'requeued', 'duplicates', 'workers'],
  ...['rolloutSeconds', 'rewardSeconds', 'updateSeconds'],
];

/** What further names of a line begin with. */
export const OWN_PREFIXES: readonly string[] = [
  ...['reward/', 'evaluation/', 'workers/', 'reward_cache/', 'reward_workers/'],
  ...['actor/', 'rewards/', 'rollout_corr/', 'consistency/'],
];

/** What an evaluation says itself, and what further names of it begin with: no term of a reward may be called so. */
export const EVALUATED_NAMES: readonly string[] = [
  ...['reward', 'exact', 'diversity', 'rewardFailures'],
];
export const EVALUATED_PREFIXES: readonly string[] = ['exact/'];

/** The mean reward of an evaluation: what is best by when nothing else is said. */
export const EVALUATED = 'evaluation/reward';
