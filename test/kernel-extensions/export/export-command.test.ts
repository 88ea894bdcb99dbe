import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as path from 'node:path';
import { Workspace } from '../notebook-of';

const root = path.resolve(__dirname, '../../..');
const tsx = createRequire(__filename).resolve('tsx');

function flowbookExport(...args: string[]) {
  const command = ['--import', tsx, path.join(__dirname, '../run-command.ts'), 'export', ...args];
  return spawnSync(process.execPath, command, { encoding: 'utf8', cwd: root });
}

describe('flowbook export', () => {
  const workspace = new Workspace();
  after(() => workspace.remove());

  it('writes the script alone, and warns of type errors by cell', () => {
    const notebook = workspace.writeNotebook('nb/n.ipynb', [
      { id: 'a', source: 'const n: number = 1' },
      { id: 'b', source: 'const s: string = n' },
    ]);
    const script = workspace.path('scripts', 'n.ts');
    const { status, stdout, stderr } = flowbookExport(notebook, '-o', script);
    assert.equal(status, 0, stderr);
    assert.equal(stdout, '');
    assert.match(
      stderr,
      /^Warning FB203: n\.ts:\d+ \(cell \[b\]\): Type 'number' is not assignable to type 'string'\.$/m,
    );
    assert.deepEqual(readdirSync(path.dirname(script)), ['n.ts']);
    assert.match(readFileSync(script, 'utf8'), /notebook: '\.\.\/nb\/n\.ipynb'/);
  });

  it('exits with 1 for a cell that cannot stand in a script, and writes nothing', () => {
    const notebook = workspace.writeNotebook('nb/magic.ipynb', [{ id: 'a', source: '%time 1' }]);
    const { status, stderr } = flowbookExport(notebook, '-o', workspace.path('magic.ts'));
    assert.equal(status, 1);
    assert.match(stderr, /^Cannot export cell 1 \[a\], line 1, as magics are not TypeScript: /);
    assert.equal(existsSync(workspace.path('magic.ts')), false);
  });

  it('exits with 2 for a notebook that is missing, and for an output that is no script', () => {
    assert.equal(
      flowbookExport(workspace.path('none.ipynb'), '-o', workspace.path('none.ts')).status,
      2,
    );
    const { status, stderr } = flowbookExport(workspace.path('none.ipynb'), '-o', 'none.js');
    assert.equal(status, 2);
    assert.match(
      stderr,
      /^Cannot export as --output must end in \.ts or \.mts: current value is none\.js$/m,
    );
  });
});
