import assert from 'node:assert/strict';
import { ProgressMeter } from '../../../../sdk/src/io/hub/download-progress';
import { keepEnvironment } from '../../../setup/keep-environment';
import { textOnStderr } from './text-on-stderr';

/** What a download of 10 bytes says. */
async function said(isTerminal: boolean, bytes = 10): Promise<string> {
  const { isTTY } = process.stderr;
  process.stderr.isTTY = isTerminal;
  try {
    return await textOnStderr(async () => {
      const meter = new ProgressMeter('owner/name', bytes, null);
      meter.add(bytes);
      meter.finish();
    });
  } finally {
    process.stderr.isTTY = isTTY;
  }
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

  it("keeps still where the ecosystem's variable says so", async () => {
    process.env.HF_HUB_DISABLE_PROGRESS_BARS = '1';
    try {
      assert.deepEqual([await said(true), await said(false)], ['\n', '']);
    } finally {
      delete process.env.HF_HUB_DISABLE_PROGRESS_BARS;
    }
  });
});
