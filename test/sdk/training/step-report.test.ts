import assert from 'node:assert/strict';
import { evaluationLine, logLine } from '@flowbook/sdk';
import {
  EVALUATED_NAMES,
  EVALUATED_PREFIXES,
  OWN_NAMES,
  OWN_PREFIXES,
} from '../../../sdk/src/training/log-names';

const EVALUATION = {
  ...{ reward: 1, terms: { shapes: 1 }, exact: { share: 1, byKind: { count: 1 } } },
  ...{ diversity: 1, usesAverage: false, images: [], prompts: [], groups: [], rewards: [] },
  verdicts: null,
  failures: 1,
};

const REPORT = {
  ...{ step: 3, seconds: 1, reward: 1, rewardStd: 1, diversity: 1, rewardTerms: { shapes: 1 } },
  ...{ rewardFailures: 1, updates: 1, loss: 1, gradNorm: 1, learningRate: 1, ratioMean: 1 },
  ...{ clipFraction: 1, approxKl: 1, replayGap: 1, skippedUpdates: 1, skippedSamples: 1 },
  ...{ rolledBack: 1, metrics: { 'actor/pg_loss': 1 }, monitors: {}, evaluation: EVALUATION },
  rewardMetrics: { 'reward_cache/shapes/hits': 1 },
  workers: {
    ...{ staleness: 1, requeued: 1, duplicates: 1 },
    workers: [{ worker: 'local-1', parts: 1, busySeconds: 1, bytesIn: 1, bytesOut: 1 }],
  },
  timings: { rolloutSeconds: 1, rewardSeconds: 1, updateSeconds: 1 },
};

describe('logLine()', () => {
  const isOf = (name: string, names: readonly string[], prefixes: readonly string[]) =>
    names.includes(name) || prefixes.some((prefix) => name.startsWith(prefix));

  it('has no name of its own that a monitor, or a term of a reward in evaluations, may take', () => {
    const names = Object.keys(logLine(REPORT));
    for (const name of names) assert.ok(isOf(name, OWN_NAMES, OWN_PREFIXES), name);
    const inRows = [...names, 'alarm'];
    for (const name of OWN_NAMES) assert.ok(inRows.includes(name), name);
    const found = Object.keys(evaluationLine({ ...EVALUATION, terms: {} }));
    for (const name of found.map((one) => one.replace(/^evaluation\//, ''))) {
      assert.ok(isOf(name, EVALUATED_NAMES, EVALUATED_PREFIXES), name);
    }
  });

  it('leaves out what is a mean over updates where there was none', () => {
    const none = { loss: NaN, gradNorm: NaN, replayGap: NaN, ratioMean: NaN };
    const line = logLine({ ...REPORT, ...none, clipFraction: NaN, approxKl: NaN, updates: 0 });
    assert.ok(Object.values(line).every(Number.isFinite), JSON.stringify(line));
    assert.equal(line.learningRate, 1);
    assert.ok(Number.isNaN(logLine({ ...REPORT, ...none }).loss));
  });
});
