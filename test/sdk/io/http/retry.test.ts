import assert from 'node:assert/strict';
import { HttpError, RandomKey } from '@flowbook/sdk';
import { settleInFlight } from '../../../../sdk/src/io/http/in-flight';
import { backoffAfter, withRetries } from '../../../../sdk/src/io/http/retry';

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

describe('withRetries()', () => {
  const options = { retries: 2, backoffMs: 0, key: RandomKey.fromSeed(0), signal: null };

  it('gives up at once on a failure that will not pass', async () => {
    let tries = 0;
    const work = async () => {
      tries++;
      throw new HttpError('gone', false);
    };
    await assert.rejects(withRetries(work, options), { message: 'gone' });
    assert.equal(tries, 1);
  });

  it('leaves the message as it is when it may try once only', async () => {
    const work = async () => {
      throw new HttpError('busy', true);
    };
    await assert.rejects(withRetries(work, { ...options, retries: 0 }), { message: 'busy' });
    await assert.rejects(withRetries(work, options), { message: 'busy (3 tries)' });
  });
});

describe('settleInFlight()', () => {
  it('keeps the order, and says which failed', async () => {
    const results = await settleInFlight([3, 1, 2], 2, async (item) => {
      if (item === 1) throw new Error('one');
      return item;
    });
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
  });
});
