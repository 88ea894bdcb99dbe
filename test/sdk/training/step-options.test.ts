import assert from 'node:assert/strict';
import {
  checkConsistency,
  nftGradients,
  policyGradients,
  RandomKey,
  replayPolicy,
  rolloutGroups,
} from '@flowbook/sdk';

const none = undefined as never;
const key = RandomKey.fromSeed(0);
const COUNT = 'a whole number from 1';
const ANY_COUNT = `${COUNT} or Infinity`;

/** What an option must be, and values that it must not have, of functions that look at nothing before. */
const RULES: [
  action: string,
  call: (options: object) => Promise<unknown>,
  values: [name: string, words: string, wrong: unknown[]][],
][] = [
  [
    'roll out',
    (options) => rolloutGroups(none, [{ prompt: 'a' }], { key, ...options }),
    [
      ['groupSize', COUNT, [0, -2, 1.5, NaN]],
      ['microBatchSize', ANY_COUNT, [0, 1.5, -1]],
      ['padTokensTo', COUNT, [0, 1.5]],
      ['numInferenceSteps', COUNT, [0, 2.5]],
      ['sdeWindowSize', COUNT, [0, 1.5]],
      ['noiseLevel', 'a number from 0', [NaN, -1]],
    ],
  ],
  [
    'compute a policy gradient',
    (options) => policyGradients(none, none, none, options),
    [
      ['microBatchSize', ANY_COUNT, [0, 1.5]],
      ['advClipMax', 'a number above 0, or Infinity', [0, NaN]],
    ],
  ],
  [
    'replay a rollout',
    (options) => replayPolicy(none, none, options),
    [['microBatchSize', ANY_COUNT, [0, 1.5]]],
  ],
  [
    'check consistency',
    (options) => checkConsistency(none, none, options),
    [['microBatchSize', ANY_COUNT, [0, 1.5]]],
  ],
  [
    'compute the gradient of DiffusionNFT',
    (options) => nftGradients(none, none, { key, ...options }),
    [
      ['microBatchSize', ANY_COUNT, [0, 1.5]],
      ['advClipMax', 'a number above 0', [0, -5]],
    ],
  ],
];

describe('options of a step', () => {
  for (const [action, call, values] of RULES) {
    for (const [name, words, wrong] of values) {
      it(`cannot ${action} by a wrong ${name}`, async () => {
        for (const value of wrong) {
          await assert.rejects(call({ [name]: value }), {
            message: `Cannot ${action} as ${name} must be ${words}: current value is ${value}`,
          });
        }
      });
    }
  }
});
