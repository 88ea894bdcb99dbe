import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as path from 'node:path';
import { loadRunConfig } from '@flowbook/sdk';

const root = path.resolve(__dirname, '../../..');

function flowbookConfig(...args: string[]) {
  const command = [path.join(root, 'kernel-extensions/bin/flowbook.mjs'), 'config', ...args];
  return spawnSync(process.execPath, command, { encoding: 'utf8', cwd: root });
}

describe('flowbook config', () => {
  it('prints what loads again as the same configuration, and what has no effect', () => {
    const overrides = ['actor_rollout_ref.rollout.n=16', 'trainer.nnodes=2'];
    const { status, stdout, stderr } = flowbookConfig(...overrides);
    assert.equal(status, 0, stderr);
    assert.deepEqual(loadRunConfig(stdout).toJSON(), loadRunConfig(null, overrides).toJSON());
    assert.match(stderr, /^Accepted, without effect here:\n {2}trainer\.nnodes: 2$/m);
    assert.match(stderr, /^\d+ keys of clusters, servers and profilers stand at/m);
  });

  it('exits with 2 for an unknown key, with the nearest', () => {
    const { status, stdout, stderr } = flowbookConfig('trainer.node=2');
    assert.equal(status, 2);
    assert.equal(stdout, '');
    assert.match(
      stderr,
      /^Cannot read the configuration as there is no key "trainer\.node": the nearest is "trainer\.nnodes" /m,
    );
  });
});
