import assert from 'node:assert/strict';
import { rolloutSeeds, validationSeeds } from '@flowbook/sdk';

describe('rolloutSeeds()', () => {
  it('gives row r of step s the seed ((seed + s - 1) 1000003 + r) mod (2^63 - 1)', () => {
    assert.deepEqual(rolloutSeeds(42, 1, 3), [42000126, 42000127, 42000128]);
    assert.deepEqual(rolloutSeeds(42, 3, 1), [44 * 1000003]);
  });

  it('goes by the number of a row, not by its place in a batch', () => {
    assert.deepEqual(rolloutSeeds(7, 2, [5, 1]), [8 * 1000003 + 5, 8 * 1000003 + 1]);
  });

  it('refuses a step before the first, and seeds that numbers cannot hold', () => {
    assert.throws(() => rolloutSeeds(1, 0, 1), {
      message:
        'Cannot seed a rollout as the training step must be a whole number from 1: current value is 0',
    });
    assert.throws(() => rolloutSeeds(2 ** 40, 1, 1), {
      message:
        "Cannot seed a rollout as the seed must leave each row's a safe integer: current value is 1099511627776",
    });
    assert.throws(() => rolloutSeeds(-1, 1, 1), /must leave each row's a safe integer/);
    assert.throws(() => rolloutSeeds(1.5, 1, 1), {
      message: 'Cannot seed a rollout as the seed must be a whole number: current value is 1.5',
    });
    for (const rows of [1.5, -1, [0, NaN]]) {
      assert.throws(
        () => rolloutSeeds(1, 1, rows),
        /^Error: Cannot seed a rollout as rows must be whole numbers from 0: current value is /,
      );
    }
  });
});

describe('validationSeeds()', () => {
  it('gives each picture of a prompt its own seed, and one to all for verl-omni', () => {
    assert.deepEqual(validationSeeds(3), [42, 43, 44]);
    assert.deepEqual(validationSeeds(3, { compat: 'verl-omni' }), [42, 42, 42]);
    assert.deepEqual(validationSeeds(2, { seed: 7 }), [7, 8]);
    for (const count of [-2, 1.5, NaN]) {
      assert.throws(() => validationSeeds(count), {
        message: `Cannot seed a validation as count must be a whole number from 0: current value is ${count}`,
      });
    }
  });
});
