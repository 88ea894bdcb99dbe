import assert from 'node:assert/strict';
import { ProgressMeter, type DownloadProgress } from '../../../../sdk/src/io/hub/download-progress';
import { keepEnvironment } from '../../../setup/keep-environment';
import { textOnStderr } from './text-on-stderr';

/** What is written where stderr is a terminal, or is none. */
async function onTerminal(isTerminal: boolean, work: () => Promise<void>): Promise<string> {
  const { isTTY } = process.stderr;
  process.stderr.isTTY = isTerminal;
  try {
    return await textOnStderr(work);
  } finally {
    process.stderr.isTTY = isTTY;
  }
}

/** What a download of 10 bytes says. */
function said(isTerminal: boolean, bytes = 10): Promise<string> {
  return onTerminal(isTerminal, async () => {
    const meter = new ProgressMeter('owner/name', bytes, null);
    meter.add(bytes);
    meter.finish();
  });
}

describe('ProgressMeter', () => {
  const restore = keepEnvironment('HF_HUB_DISABLE_PROGRESS_BARS');
  before(() => delete process.env.HF_HUB_DISABLE_PROGRESS_BARS);
  after(restore);

  it('writes its line over on a terminal and ends it, and elsewhere writes lines', async () => {
    assert.match(await said(true), /^\rowner\/name: 10 .+ of 10 .+ \(100 %\) in 0 s \n$/);
    assert.match(await said(false), /^owner\/name: 10 .+ of 10 .+ \(100 %\) in 0 s\n$/);
  });

  it('is done where there is nothing to fetch', async () => {
    assert.match(await said(false, 0), / \(100 %\) in 0 s\n$/);
  });

  it('does not tell of every part', () => {
    const told: number[] = [];
    const meter = new ProgressMeter('owner/name', 30, ({ doneBytes }) => told.push(doneBytes));
    for (let part = 0; part < 30; part++) meter.add(1);
    meter.finish();
    assert.equal(told.at(-1), 30);
    assert.ok(told.length < 10, `${told.length} times`);
  });

  it('tells twice a second, where lines cannot be written over every ten seconds, and of seconds since the start', async () => {
    const { now } = Date;
    let clock = now();
    Date.now = () => clock;
    /** Bytes that arrive every quarter of a second, for eleven seconds. */
    const arrive = (meter: ProgressMeter) => {
      for (let quarter = 0; quarter < 44; quarter++) {
        clock += 250;
        meter.add(1);
      }
    };
    try {
      const told: DownloadProgress[] = [];
      arrive(new ProgressMeter('owner/name', 44, (progress) => told.push(progress)));
      assert.deepEqual(
        told.map(({ doneBytes, seconds }) => [doneBytes, seconds]),
        Array.from({ length: 22 }, (_, half) => [2 * half + 2, (half + 1) / 2]),
      );
      for (const [isTerminal, times] of [
        [true, 22],
        [false, 1],
      ] as const) {
        const text = await onTerminal(isTerminal, async () =>
          arrive(new ProgressMeter('owner/name', 44, null)),
        );
        assert.equal(text.split('owner/name').length - 1, times);
      }
    } finally {
      Date.now = now;
    }
  });

  it("keeps still where the ecosystem's variable says so", async () => {
    process.env.HF_HUB_DISABLE_PROGRESS_BARS = '1';
    try {
      assert.deepEqual([await said(true), await said(false)], ['\n', '']);
    } finally {
      delete process.env.HF_HUB_DISABLE_PROGRESS_BARS;
    }
  });
});
