import assert from 'node:assert/strict';
import {
  floorMs,
  median,
  memoryRow,
  obstructedRow,
  repeatsFor,
  samplesFor,
  timedRow,
} from './statistics';

describe('the benchmark’s arithmetic', () => {
  it('median() takes the middle, or the mean of the two middle values', () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 3, 2]), 2.5);
    assert.throws(() => median([]), /Cannot take a median as there must be values/);
  });

  it('repeatsFor() fills a sample with short work and runs long work once', () => {
    assert.equal(repeatsFor(20), 3);
    assert.equal(repeatsFor(500), 1);
    assert.equal(repeatsFor(0.001), 200);
  });

  it('samplesFor() takes five samples, and in a quick run three of short work and one of long', () => {
    assert.equal(samplesFor(10, false), 5);
    assert.equal(samplesFor(9000, false), 5);
    assert.equal(samplesFor(10, true), 3);
    assert.equal(samplesFor(9000, true), 1);
  });

  it('floorMs() is operations over their rate', () => {
    assert.equal(floorMs(2e9, 100), 20);
  });

  it('timedRow() compares medians, and more than 1 means that Flowbook is faster', () => {
    const row = timedRow('x', { ours: [9, 10, 30], eager: [15, 14, 90], compile: [] });
    assert.deepEqual(row, {
      row: 'x',
      flowbook_ms: 10,
      eager_ms: 15,
      compile_ms: null,
      floor_ms: null,
      ratio: 1.5,
      flowbook_mb: null,
      eager_mb: null,
    });
  });

  it('memoryRow() compares megabytes the same way round', () => {
    assert.equal(memoryRow('m', 100, 150).ratio, 1.5);
  });

  it('obstructedRow() has no numbers, and says why', () => {
    const { row, note, ...numbers } = obstructedRow('x', 'why');
    assert.deepEqual([row, note], ['x', 'why']);
    assert.ok(Object.values(numbers).every((value) => value === null));
  });
});
