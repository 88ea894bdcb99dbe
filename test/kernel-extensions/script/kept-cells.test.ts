import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as path from 'node:path';
import { readNotebook } from '@flowbook/kernel-extensions';
import { exportNotebook } from '../../../kernel-extensions/src/export/export-notebook';
import { hasKeptCell } from '../../../kernel-extensions/src/script/cell-checkpoints';
import { Workspace } from '../notebook-of';

const root = path.resolve(__dirname, '../../..');
const tsx = createRequire(__filename).resolve('tsx');

describe('what a cell tagged checkpoint kept', function () {
  this.timeout(60_000);
  const workspace = new Workspace();
  after(() => workspace.remove());

  it('is not taken by a run that began anew in the folder, nor by one that resumes that', async () => {
    const notebookFile = workspace.writeNotebook('nb/rows.ipynb', [
      {
        id: 'rows',
        tags: ['checkpoint'],
        source:
          "import { readFileSync } from 'node:fs'\nconst rows = readFileSync('rows.txt', 'utf8')",
      },
      { id: 'shown', source: 'console.log(rows)' },
    ]);
    const scriptFile = workspace.path('rows.ts');
    const { text } = await exportNotebook(readNotebook(notebookFile), { notebookFile, scriptFile });
    writeFileSync(scriptFile, text);
    const out = workspace.path('out');
    const run = (flag: string) => {
      const words = ['--import', tsx, scriptFile, flag, out];
      const { status, stdout } = spawnSync(process.execPath, words, {
        encoding: 'utf8',
        cwd: root,
      });
      return [status, stdout];
    };
    const data = path.join(path.dirname(notebookFile), 'rows.txt');
    writeFileSync(data, 'first');
    assert.deepEqual(run('--out'), [0, 'first\n']);
    rmSync(data);
    assert.deepEqual(run('--resume'), [0, 'first\n']);
    assert.equal(run('--out')[0], 1);
    assert.equal(hasKeptCell(out), false);
    writeFileSync(data, 'second');
    assert.deepEqual(run('--resume'), [0, 'second\n']);
  });
});
