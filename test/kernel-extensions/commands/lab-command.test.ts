import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { flowbookCommand } from '../../setup/setup-module';

describe('flowbook lab', () => {
  it('refuses a port that is none with 2, before it starts anything', () => {
    for (const port of ['abc', '1.5', '-1', '65536']) {
      const { status, stderr } = spawnSync(
        process.execPath,
        [flowbookCommand, 'lab', '--port', port],
        {
          encoding: 'utf8',
        },
      );
      assert.equal(status, 2, stderr);
      assert.match(stderr, /--port.*must be a whole number from 0 to 65535/);
    }
  });

  it('says how a run goes on that was stopped', () => {
    const help = spawnSync(process.execPath, [flowbookCommand, 'lab', '--help'], {
      encoding: 'utf8',
    });
    assert.match(
      help.stdout,
      /"flowbook run NOTEBOOK --out FOLDER --resume" with the same parameters/,
    );
  });
});
