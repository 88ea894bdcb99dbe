import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RunLog } from '@flowbook/sdk';
import { keepEnvironment } from '../../../setup/keep-environment';

describe('RunLog', () => {
  const variable = 'FLOWBOOK_RUN_DIR';

  afterEach(keepEnvironment(variable));

  it('write() puts each line on disk at once, in the folder that FLOWBOOK_RUN_DIR names', () => {
    const directory = mkdtempSync(join(tmpdir(), 'flowbook-'));
    process.env[variable] = join(directory, 'run');
    const log = new RunLog();
    const path = join(directory, 'run', 'log.jsonl');
    assert.equal(log.path, path);
    log.write({ step: 1, seconds: 0.5, reward: 0.25 });
    assert.equal(readFileSync(path, 'utf8'), '{"step":1,"seconds":0.5,"reward":0.25}\n');
    log.write({ step: 2, seconds: 1, reward: 0.5 });
    assert.equal(readFileSync(path, 'utf8').split('\n').length, 3);
    rmSync(directory, { recursive: true });
  });

  it('write() keeps lines in memory alone when no folder is named', () => {
    delete process.env[variable];
    const log = new RunLog();
    log.write({ step: 1, seconds: 0.5, reward: 0.25 });
    assert.equal(log.path, null);
    assert.deepEqual(log.lines, [{ step: 1, seconds: 0.5, reward: 0.25 }]);
  });
});
