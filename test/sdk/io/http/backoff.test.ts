import assert from 'node:assert/strict';
import { RandomKey } from '@flowbook/sdk';
import { backoffAfter } from '../../../../sdk/src/io/http/backoff';

describe('backoffAfter()', () => {
  it('doubles the longest wait, and draws between half of it and all by the key', () => {
    const waits = (seed: number) =>
      [0, 1, 2, 3].map((attempt) =>
        backoffAfter(attempt, { backoffMs: 100, key: RandomKey.fromSeed(seed) }),
      );
    for (let seed = 0; seed < 50; seed++) {
      waits(seed).forEach((wait, attempt) => {
        assert.ok(wait >= 50 * 2 ** attempt && wait <= 100 * 2 ** attempt);
      });
    }
    assert.deepEqual(waits(1), waits(1));
    assert.notDeepEqual(waits(1), waits(2));
  });
});
