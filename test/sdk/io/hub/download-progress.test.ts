import assert from 'node:assert/strict';
import { ProgressMeter } from '../../../../sdk/src/io/hub/download-progress';
import { keepEnvironment } from '../../../setup/keep-environment';
import { textOnStderr } from './text-on-stderr';

/** What a download of 10 bytes says. */
async function said(isTerminal: boolean): Promise<string> {
  const { isTTY } = process.stderr;
  process.stderr.isTTY = isTerminal;
  try {
    return await textOnStderr(async () => {
      const meter = new ProgressMeter('owner/name', 10, null);
      meter.add(10);
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
});
