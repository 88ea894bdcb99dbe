import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { hostname } from 'node:os';
import { afterwards } from '../../../sdk/src/core/afterwards';
import { inParallel } from '../../../sdk/src/core/in-parallel';
import { pixelImage } from '../../../sdk/src/core/pixel-image';
import { isAlive, isProcess, ownProcess } from '../../../sdk/src/core/process-identity';
import { withinTime } from '../../../sdk/src/core/within-time';

describe('afterwards()', () => {
  it('does its end once, after work that returns, throws, resolves and rejects', async () => {
    let ends = 0;
    const done = () => void ends++;
    assert.equal(
      afterwards(() => 5, done),
      5,
    );
    assert.equal(ends, 1);
    const fail = () => {
      throw new Error('no');
    };
    assert.throws(() => afterwards(fail, done), { message: 'no' });
    assert.equal(ends, 2);
    let settle: (value: number) => void = () => {};
    const later = afterwards(() => new Promise<number>((resolve) => (settle = resolve)), done);
    assert.equal(ends, 2, 'not before the promise is settled');
    settle(7);
    assert.equal(await later, 7);
    assert.equal(ends, 3);
    await assert.rejects(
      afterwards(() => Promise.reject(new Error('late')), done),
      {
        message: 'late',
      },
    );
    assert.equal(ends, 4);
  });
});

describe('inParallel()', () => {
  it('works on all items, never on more at a time than it may', async () => {
    let [now, most] = [0, 0];
    const seen: number[] = [];
    await inParallel([1, 2, 3, 4, 5, 6, 7], 3, null, async (item) => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setImmediate(resolve));
      now -= 1;
      seen.push(item);
    });
    assert.deepEqual([most, seen.sort()], [3, [1, 2, 3, 4, 5, 6, 7]]);
    await inParallel([], 3, null, () => Promise.reject(new Error('never')));
  });

  it('stops the others by their signal and throws the first failure, once all have ended', async () => {
    const ended: string[] = [];
    const work = async (item: number, signal: AbortSignal) => {
      if (item === 2) throw new Error('first');
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      ended.push(`${item} ended`);
      throw new Error('second');
    };
    await assert.rejects(inParallel([1, 2, 3, 4], 2, null, work), { message: 'first' });
    assert.deepEqual(ended, ['1 ended'], 'nothing begins after the failure');
  });

  it('begins nothing after its own signal', async () => {
    const stop = new AbortController();
    stop.abort(new Error('asked to'));
    let begun = 0;
    await assert.rejects(
      inParallel([1, 2], 1, stop.signal, async () => void begun++),
      { message: 'asked to' },
    );
    assert.equal(begun, 0);
  });
});

describe('withinTime()', () => {
  it('gives what work gives and throws what it throws, also within other work', () => {
    assert.equal(
      withinTime(() => withinTime(() => 2, 1000) + withinTime(() => 3, 1000), 1000),
      5,
    );
    const fail = () => {
      throw new RangeError('own');
    };
    assert.throws(() => withinTime(fail, 1000), { name: 'RangeError', message: 'own' });
  });

  it('ends a loop', () => {
    const forever = () => {
      for (;;);
    };
    assert.throws(() => withinTime(forever, 20), {
      message: 'it must take at most 20 ms, and did not end within that',
    });
  });
});

describe('pixelImage()', () => {
  it('takes three bytes a pixel, and refuses any other number', () => {
    const image = pixelImage(2, 1, [1, 2, 3, 4, 5, 6]);
    assert.deepEqual(image, {
      width: 2,
      height: 1,
      channels: 3,
      data: Uint8Array.of(1, 2, 3, 4, 5, 6),
    });
    assert.throws(() => pixelImage(2, 3, [1]), {
      message: 'Cannot make a picture of 2 x 3 pixels as it takes 18 bytes: current number is 1',
    });
  });
});

describe('isAlive()', () => {
  it('knows this process, one that has ended, and a later one of the same number', () => {
    const own = ownProcess();
    assert.deepEqual([own.pid, own.host], [process.pid, hostname()]);
    assert.equal(isAlive(own), true);
    const { pid } = spawnSync(process.execPath, ['--version']);
    assert.equal(isProcess(pid), false);
    assert.equal(isAlive({ ...own, pid }), false);
    if (process.platform === 'linux') assert.match(own.began ?? '', /^\d+$/);
    if (own.began !== null) assert.equal(isAlive({ ...own, began: `${own.began}0` }), false);
    assert.equal(isAlive({ ...own, began: null }), true);
  });

  it('cannot see another machine, nor another start of this one', () => {
    const own = ownProcess();
    const elsewhere =
      own.place === null ? { ...own, host: 'elsewhere' } : { ...own, place: 'another start' };
    assert.equal(isAlive(elsewhere), null);
  });
});
