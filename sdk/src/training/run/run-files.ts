/** What a run's folder holds. */
export const RUN_FILES = {
  /** Configuration, versions, machine, seed, state. */
  record: 'run.json',
  /** A line a step, and one an alarm. */
  log: 'log.jsonl',
  checkpoints: 'checkpoints',
  /** Who trains there. */
  lock: 'lock.json',
  /** The pictures of evaluations, as PNG, and `index.jsonl`, which says what they are. */
  pictures: 'pictures',
  /** Runs that others began in the place of, each in a folder of its own. */
  earlier: 'earlier',
} as const;
