import type { RunRecord } from '@flowbook/sdk';

/** What `run.json` of a run that has ended holds. */
export const RUN_RECORD: RunRecord = {
  state: 'aborted',
  step: 2,
  steps: 10,
  seconds: 1.5,
  ended: '2026-11-30T00:00:00.000Z',
  error: null,
  started: '2026-11-29T23:59:00.000Z',
  resumedAfter: [1],
  seed: 0,
  trainer: { steps: 10, seed: 0, learningRate: 1e-4 },
  model: { num_layers: 2 },
  configuration: null,
  versions: { flowbook: '0.1.0', tensorflow: null },
  machine: { platform: 'linux', processors: 2 },
  process: { pid: 1, host: 'another' },
  git: { commit: 'abc', isChanged: false },
};

/** A line of `pictures/index.jsonl`. */
export const RUN_PICTURE = {
  step: 10,
  place: 0,
  prompt: 'a red circle',
  reward: 0.5,
  verdict: null,
  file: 'step-000010-00.png',
};
