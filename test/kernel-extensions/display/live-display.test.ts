import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import {
  display,
  liveDisplay,
  MemorySink,
  mime,
  rewardCurve,
  settleDisplays,
} from '@flowbook/kernel-extensions';
import { abandonDisplays } from '../../../kernel-extensions/src/display/publish-queue';

const texts = (sink: MemorySink) => sink.published.map(({ bundle }) => bundle.data[mime.plain]);

describe('liveDisplay()', () => {
  it('shows the first value at once, then at most two frames a second, the newest each time', async () => {
    const times: number[] = [];
    const sink = new (class extends MemorySink {
      override async publish(...published: Parameters<MemorySink['publish']>): Promise<void> {
        times.push(performance.now());
        await super.publish(...published);
      }
    })();
    const live = liveDisplay('curve', { sink });
    let value = 0;
    const start = performance.now();
    while (sink.published.length < 3 || performance.now() - start < 1250) {
      live.update(`value ${++value}`);
      await delay(10);
    }
    await live.finish();
    const frames = sink.published.map(({ displayId, update, live: frame }) => [
      displayId,
      update,
      frame,
    ]);
    const middle = Array(frames.length - 2).fill(['curve', true, true]);
    assert.deepEqual(frames, [['curve', false, true], ...middle, ['curve', true, false]]);
    assert.equal(texts(sink)[0], 'value 1');
    assert.equal(texts(sink).at(-1), `value ${value}`);
    const seconds = (times.at(-2)! - times[0]) / 1000;
    assert.ok(middle.length <= 2 * seconds + 0.5, `${middle.length} frames in ${seconds} s`);
  });

  it('draws the PNG for the last frame only', async () => {
    const sink = new MemorySink();
    const live = liveDisplay(undefined, { sink });
    live.update(rewardCurve([{ step: 0, reward: 0.1 }]));
    await live.finish(
      rewardCurve([
        { step: 0, reward: 0.1 },
        { step: 1, reward: 0.2 },
      ]),
    );
    const hasPng = sink.published.map(({ bundle }) => mime.png in bundle.data);
    assert.equal(hasPng[0], false);
    assert.equal(hasPng.at(-1), true);
    assert.match(texts(sink).at(-1) as string, /2 steps/);
  });

  it('draws the last value by itself when nobody finishes', async () => {
    const sink = new MemorySink();
    const live = liveDisplay(undefined, { sink });
    live.update('first');
    live.update('last');
    await delay(700);
    assert.equal(texts(sink).at(-1), 'last');
    await settleDisplays();
  });

  it('calls a function for the frames that are drawn only', async () => {
    const sink = new MemorySink();
    const live = liveDisplay(undefined, { sink });
    let calls = 0;
    for (let i = 0; i < 100; i++) live.update(() => `call ${++calls}`);
    await live.finish();
    assert.deepEqual(texts(sink), ['call 1', 'call 2']);
  });

  it('finishes without a frame when nothing was shown', async () => {
    const sink = new MemorySink();
    await liveDisplay(undefined, { sink }).finish();
    assert.equal(sink.published.length, 0);
  });

  it('shows a failing function as a note and goes on', async () => {
    const sink = new MemorySink();
    const live = liveDisplay(undefined, { sink });
    live.update(() => {
      throw new Error('no data yet');
    });
    await live.finish('good');
    assert.match(texts(sink)[0] as string, /\(its display failed: no data yet\)/);
    assert.equal(texts(sink).at(-1), 'good');
  });

  it("reports a sink's failure from finish()", async () => {
    const publish = () => Promise.reject(new Error('disk full'));
    const live = liveDisplay(undefined, { sink: { publish } });
    live.update('x');
    await assert.rejects(live.finish(), { message: 'disk full' });
  });

  it('replaces an output only once there is one', async () => {
    let failures = 1;
    const sink = new (class extends MemorySink {
      override publish(...published: Parameters<MemorySink['publish']>): void {
        if (failures-- > 0) throw new Error('disk full');
        super.publish(...published);
      }
    })();
    const live = liveDisplay(undefined, { sink });
    live.update('x');
    await assert.rejects(live.finish('y'), { message: 'disk full' });
    assert.deepEqual(
      sink.published.map(({ update }) => update),
      [false],
    );
  });
});

describe('abandonDisplays()', () => {
  it('drops what is drawn only later; a live display of which nothing was shown still is, once', async () => {
    const sink = new MemorySink();
    const live = liveDisplay(undefined, { sink });
    let settle = (_text: string) => {};
    let value: unknown = new Promise<string>((settled) => (settle = settled));
    live.update({ [Symbol.for('Jupyter.display')]: () => value });
    const displayed = display(value, { sink });
    abandonDisplays();
    value = 'newer';
    await live.finish();
    settle('older');
    await displayed;
    assert.deepEqual(
      sink.published.map(({ update }) => update),
      [false],
    );
    assert.deepEqual(texts(sink), ['newer']);
    await live.finish('newest');
    assert.equal(sink.published.at(-1)?.update, true);
  });
});

describe('settleDisplays()', () => {
  it('draws the last frame of every live display in full, once', async () => {
    const sink = new MemorySink();
    const live = liveDisplay(undefined, { sink });
    live.update(rewardCurve([{ step: 0, reward: 0.1 }]));
    await settleDisplays();
    await settleDisplays();
    assert.deepEqual(
      sink.published.map(({ bundle }) => mime.png in bundle.data),
      [false, true],
    );
    live.update('goes on in a later cell');
    await live.finish();
    assert.equal(texts(sink).at(-1), 'goes on in a later cell');
  });

  it('waits for displays that nobody awaited', async () => {
    const sink = new MemorySink();
    void display(delay(50, 'slow'), { sink });
    void display('quick', { sink });
    await settleDisplays();
    assert.deepEqual(texts(sink), ['slow', 'quick']);
  });
});
