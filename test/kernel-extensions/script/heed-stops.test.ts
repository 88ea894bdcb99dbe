import assert from 'node:assert/strict';
import { heedStops } from '../../../kernel-extensions/src/script/heed-stops';

describe('heedStops()', () => {
  it('tells the first signal from those after it, and gives them their usual meaning back', () => {
    const listeners = () =>
      (['SIGINT', 'SIGTERM'] as const).map((name) => process.listenerCount(name));
    const before = listeners();
    const told: string[] = [];
    const stops = heedStops(
      (signal) => told.push(`first ${signal}`),
      (signal) => told.push(`again ${signal}`),
    );
    try {
      assert.equal(stops.by, null);
      assert.deepEqual(
        listeners(),
        before.map((count) => count + 1),
      );
      // Not SIGINT, which mocha heeds itself.
      process.emit('SIGTERM', 'SIGTERM');
      assert.equal(stops.by, 'SIGTERM');
      process.emit('SIGTERM', 'SIGTERM');
      assert.deepEqual(told, ['first SIGTERM', 'again SIGTERM']);
    } finally {
      stops.end();
    }
    assert.deepEqual(listeners(), before);
    assert.equal(stops.by, 'SIGTERM');
  });
});
