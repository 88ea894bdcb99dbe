import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import {
  clearOutput,
  ConsoleSink,
  display,
  displaySink,
  FileSink,
  liveDisplay,
  MemorySink,
  mime,
  rewardCurve,
  setDisplaySink,
  sigmas,
  updateDisplay,
} from '@flowbook/kernel-extensions';
import { schedule } from './samples';

const row = (step: number) => ({ step, reward: step / 10 });

describe('display()', () => {
  it('publishes to the current sink under an id that updateDisplay() takes', async () => {
    const sink = new MemorySink();
    const restore = setDisplaySink(sink);
    try {
      assert.equal(displaySink(), sink);
      await display('one', { displayId: 'first' });
      await updateDisplay('first', 'two');
      await display('three');
      assert.deepEqual(
        sink.published.map(({ bundle, displayId: id, update }) => [
          bundle.data[mime.plain],
          id,
          update,
        ]),
        [
          ['one', 'first', false],
          ['two', 'first', true],
          ['three', sink.published[2].displayId, false],
        ],
      );
      await clearOutput({ wait: true });
      assert.deepEqual(sink.clears, [{ wait: true }]);
    } finally {
      restore();
    }
    assert.notEqual(displaySink(), sink);
  });

  it('goes on after a display whose sink failed', async () => {
    const sink = new MemorySink();
    const failing = display('x', { sink: { publish: () => Promise.reject(new Error('gone')) } });
    const next = display('y', { sink });
    await assert.rejects(failing, { message: 'gone' });
    await next;
    assert.equal(sink.published.length, 1);
  });
});

describe('ConsoleSink', () => {
  it('prints the text, and of a live display the first and the last frame', async () => {
    const printed: string[] = [];
    const sink = new ConsoleSink((text) => printed.push(text));
    await display(sigmas(schedule), { sink });
    assert.match(printed[0], /^Noise schedule, 10 steps\nstep {2}timestep/);
    const live = liveDisplay(undefined, { sink });
    live.update('first');
    for (let i = 0; i < 5; i++) live.update(`frame ${i}`);
    await live.finish('last');
    assert.deepEqual(printed.slice(1), ['first', 'last']);
    await display({ 'image/png': 'AAAA' }, { sink });
    assert.equal(printed.at(-1), '<image/png>');
  });
});

describe('FileSink', () => {
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(path.join(tmpdir(), 'flowbook-files-'))));
  afterEach(() => rmSync(directory, { recursive: true }));

  it('writes each form of a display to a numbered file', async () => {
    const sink = new FileSink(path.join(directory, 'new', 'folder'));
    await display(sigmas(schedule), { sink });
    await display({ 'text/html': '<b>x</b>', 'text/plain': 'x' }, { sink, name: 'A table/of x' });
    const names = readdirSync(sink.directory).sort();
    assert.deepEqual(names, [
      '01-sigmas.png',
      '01-sigmas.txt',
      '01-sigmas.vl.json',
      '02-a-table-of-x.html',
      '02-a-table-of-x.txt',
    ]);
    assert.deepEqual(sink.files.map((file) => path.basename(file)).sort(), names);
    const read = (name: string) => readFileSync(path.join(sink.directory, name));
    assert.equal(read('01-sigmas.png').subarray(1, 4).toString(), 'PNG');
    assert.match(JSON.parse(read('01-sigmas.vl.json').toString()).$schema, /vega-lite\/v5/);
  });

  it("replaces a display's files on an update, and leaves no picture of an earlier frame", async () => {
    const sink = new FileSink(directory);
    await display(rewardCurve([row(1)]), { sink, displayId: 'curve' });
    await updateDisplay('curve', 'only words', { sink });
    assert.deepEqual(readdirSync(directory), ['01-reward-curve.txt']);
    assert.equal(readFileSync(path.join(directory, '01-reward-curve.txt'), 'utf8'), 'only words\n');
    const live = liveDisplay(undefined, { sink });
    live.update(rewardCurve([row(1)]));
    await live.finish(rewardCurve([row(1), row(2)]));
    assert.deepEqual(readdirSync(directory).slice(1), [
      '02-reward-curve.png',
      '02-reward-curve.txt',
      '02-reward-curve.vl.json',
    ]);
  });
});

describe('stock tslab', () => {
  it('publishes whole bundles through its kernel when that runs', async () => {
    const jupyter = require('tslab/dist/jupyter') as { lastWriteDisplayData: unknown };
    const written: unknown[] = [];
    const before = jupyter.lastWriteDisplayData;
    const restore = setDisplaySink(null);
    jupyter.lastWriteDisplayData = (content: unknown, update: boolean) =>
      written.push([content, update]);
    try {
      await display({ 'text/plain': 'x', 'text/html': 'y' }, { displayId: 'id' });
    } finally {
      jupyter.lastWriteDisplayData = before;
      restore();
    }
    const data = { 'text/plain': 'x', 'text/html': 'y' };
    assert.deepEqual(written, [[{ data, metadata: {}, transient: { display_id: 'id' } }, false]]);
  });
});
