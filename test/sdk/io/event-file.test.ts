import assert from 'node:assert/strict';
import fs, { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32c } from '../../../sdk/src/io/tensorboard/crc32c';
import { EventFile } from '../../../sdk/src/io/tensorboard/event-file';
import { readEvents } from './read-events';

describe('EventFile', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'flowbook-events-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('crc32c() is that of RFC 3720, section B.4', () => {
    assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
    assert.equal(crc32c(new Uint8Array(32).fill(255)), 0x62a8ab43);
    assert.equal(crc32c(Uint8Array.from({ length: 32 }, (_, at) => at)), 0x46dd794e);
  });

  it('writes records that TensorBoard reads: version, numbers, pictures', () => {
    const events = new EventFile(folder);
    events.scalars(1, { reward: 0.25, 'evaluation/reward': -3 });
    events.scalars(300, { reward: NaN });
    events.scalars(2 ** 40, {});
    const png = Buffer.from([137, 80, 78, 71]);
    events.images(300, { 'pictures/0 a fox — réd': { width: 2, height: 1, png } });
    const read = readEvents(readFileSync(events.path));
    assert.equal(read.length, 4);
    assert.equal(read[0].fileVersion, 'brain.Event:2');
    assert.ok(Math.abs(read[0].wallTime - Date.now() / 1000) < 60);
    assert.deepEqual(
      [read[1].step, read[1].values],
      [
        1,
        [
          { tag: 'reward', scalar: 0.25 },
          { tag: 'evaluation/reward', scalar: -3 },
        ],
      ],
    );
    assert.ok(Number.isNaN(read[2].values[0].scalar));
    const [{ tag, image }] = read[3].values;
    assert.deepEqual(
      [read[3].step, tag, image],
      [300, 'pictures/0 a fox — réd', { width: 2, height: 1, colorspace: 3, png }],
    );
  });

  it('says what a full disk asks for, and holds whole records alone then', () => {
    const events = new EventFile(folder);
    events.scalars(1, { reward: 0.25 });
    const before = readFileSync(events.path);
    const { writeSync } = fs;
    const problem = 'ENOSPC: no space left on device, write';
    let calls = 0;
    fs.writeSync = ((descriptor: number, bytes: Uint8Array, at: number) => {
      calls += 1;
      if (calls === 1) return writeSync(descriptor, bytes, at, 5);
      throw Object.assign(new Error(problem), { code: 'ENOSPC' });
    }) as typeof writeSync;
    try {
      assert.throws(() => events.scalars(2, { reward: 0.5 }), {
        message: `Cannot write a record to "${events.path}" as the disk must have room: ${problem}`,
      });
    } finally {
      fs.writeSync = writeSync;
    }
    assert.deepEqual(readFileSync(events.path), before);
    events.scalars(2, { reward: 0.5 });
    assert.deepEqual(
      readEvents(readFileSync(events.path)).map(({ step }) => step),
      [0, 1, 2],
    );
  });

  it('is named as TensorBoard looks for it, and two in one second are two', () => {
    const [first, second] = [new EventFile(folder), new EventFile(folder)];
    assert.match(first.path, /events\.out\.tfevents\.\d{10}\.[^/]+$/);
    assert.notEqual(first.path, second.path);
  });

  it('says from which step on the events before it no longer count', () => {
    const [, session] = readEvents(readFileSync(new EventFile(folder, { startStep: 7 }).path));
    assert.deepEqual([session.step, session.sessionStatus], [7, 1]);
  });
});
