import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

describe('signals that come while TensorFlow computes', function () {
  this.timeout(120_000);

  it('change no number and break nothing', () => {
    const program = join(__dirname, 'under-signals.ts');
    const { status, signal, stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', 'tsx', program],
      { encoding: 'utf8', env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3' } },
    );
    assert.deepEqual({ status, signal }, { status: 0, signal: null }, stderr);
    const { undisturbed, disturbed, signals } = JSON.parse(stdout);
    assert.ok(undisturbed.length === 8 && signals > 100, `${signals} signals`);
    assert.deepEqual(disturbed, undisturbed);
  });
});
