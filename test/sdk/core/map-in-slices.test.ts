import assert from 'node:assert/strict';
import { mapInSlices } from '../../../sdk/src/core/map-in-slices';

const busyFor = (milliseconds: number) => {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
};

describe('mapInSlices()', () => {
  it('gives what map() gives, in order', async () => {
    assert.deepEqual(await mapInSlices(['a', 'b'], (one, at) => `${one}${at}`), ['a0', 'b1']);
    assert.deepEqual(await mapInSlices([], () => assert.fail()), []);
  });

  it('lets other work in between long items', async () => {
    const order: string[] = [];
    const timer = setInterval(() => order.push('other'), 0);
    await mapInSlices([1, 2, 3], (one) => {
      order.push(`${one}`);
      busyFor(20);
    });
    clearInterval(timer);
    assert.ok(order.indexOf('other') < order.indexOf('3'), order.join());
  });

  it('lets none in between items that take no time', async () => {
    const { now } = performance;
    performance.now = () => 0;
    try {
      const order: string[] = [];
      setImmediate(() => order.push('other'));
      await mapInSlices([1, 2, 3], (one) => order.push(`${one}`));
      assert.deepEqual(order, ['1', '2', '3']);
    } finally {
      performance.now = now;
    }
  });

  it('rejects with what an item throws, and goes no further', async () => {
    const seen: number[] = [];
    const work = mapInSlices([1, 2, 3], (one) => {
      seen.push(one);
      if (one === 2) throw new Error('no picture');
    });
    await assert.rejects(work, /^Error: no picture$/);
    assert.deepEqual(seen, [1, 2]);
  });
});
