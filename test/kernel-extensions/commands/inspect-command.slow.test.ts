import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as path from 'node:path';
import { formatModelReport, inspectModel } from '@flowbook/sdk';

const root = path.resolve(__dirname, '../../..');
const MODEL = 'datasets/tiny-qwen-image';

function flowbookInspect(...args: string[]) {
  const command = [path.join(root, 'kernel-extensions/bin/flowbook.mjs'), 'inspect', ...args];
  return spawnSync(process.execPath, command, { encoding: 'utf8', cwd: root });
}

describe('flowbook inspect', () => {
  it('prints the table, for the size and the adapters that the flags say', async () => {
    const flags = '--height 64 --width 96 --batch 2 --tokens 20 --rank 4 --target to_q,to_v --ema';
    const { status, stdout, stderr } = flowbookInspect(MODEL, ...flags.split(' '));
    assert.equal(status, 0, stderr);
    const options = { height: 64, width: 96, batch: 2, textTokens: 20, rank: 4, average: true };
    const report = await inspectModel(MODEL, { ...options, targetModules: ['to_q', 'to_v'] });
    assert.equal(stdout, `${formatModelReport(report)}\n`);
  });

  it('prints the report as JSON', async () => {
    const { status, stdout, stderr } = flowbookInspect(MODEL, '--json');
    assert.equal(status, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), await inspectModel(MODEL));
  });

  it('exits with 1 where there is nothing, and with 2 for a flag that cannot be', () => {
    const nothing = flowbookInspect('no-such-model');
    assert.deepEqual([nothing.status, nothing.stdout], [1, '']);
    assert.match(
      nothing.stderr,
      /^flowbook: Cannot inspect "no-such-model" as it must be a folder, /m,
    );
    const wrong = flowbookInspect(MODEL, '--rank', '0');
    assert.equal(wrong.status, 2);
    assert.match(wrong.stderr, /argument '0' is invalid\. It must be a whole number from 1\./);
  });
});
