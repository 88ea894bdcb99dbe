import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as path from 'node:path';
import { readNotebook } from '@flowbook/kernel-extensions';
import { exportNotebook } from '../../../kernel-extensions/src/export/export-notebook';
import { Workspace } from '../notebook-of';

const root = path.resolve(__dirname, '../../..');
const tsx = createRequire(__filename).resolve('tsx');

describe('runScript() of a run that cannot be written', () => {
  const workspace = new Workspace();
  after(() => workspace.remove());

  /** Runs a script of one cell. */
  async function run(name: string, source: string) {
    const notebookFile = workspace.writeNotebook(`nb/${name}.ipynb`, [{ id: 'a', source }]);
    const scriptFile = workspace.path(`${name}.ts`);
    const { text } = await exportNotebook(readNotebook(notebookFile), { notebookFile, scriptFile });
    writeFileSync(scriptFile, text);
    const out = workspace.path(`out-${name}`);
    const words = ['--import', tsx, scriptFile, '--out', out];
    const { status, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', cwd: root });
    return { out, status, stderr };
  }

  const recordIn = (out: string) =>
    JSON.parse(readFileSync(path.join(out, 'script.json'), 'utf8')) as Record<string, unknown>;

  it('ends with 1 and says why when a cell removes the folder', async () => {
    const { out, status, stderr } = await run(
      'removed',
      "import { rmSync } from 'node:fs'\nrmSync(process.env.FLOWBOOK_RUN_DIR!, { recursive: true })",
    );
    assert.equal(status, 1, stderr);
    assert.ok(stderr.includes(`Cannot write what the run leaves to "${out}": ENOENT`), stderr);
    assert.equal(existsSync(out), false);
  });

  it('ends with 1, and so says the record, when only the page cannot be written', async () => {
    const { out, status, stderr } = await run(
      'page',
      "import { mkdirSync } from 'node:fs'\nmkdirSync(process.env.FLOWBOOK_RUN_DIR + '/index.html')",
    );
    assert.equal(status, 1, stderr);
    const { state, exitCode, error } = recordIn(out);
    assert.deepEqual([state, exitCode], ['failed', 1]);
    assert.ok(String(error).startsWith(`Cannot write what the run leaves to "${out}": EISDIR`));
    assert.ok(stderr.includes(String(error)), stderr);
  });

  it("says a cell's error when its line cannot be found, as the script is gone", async () => {
    const { out, status, stderr } = await run(
      'moved',
      "import { rmSync } from 'node:fs'\nrmSync('../moved.ts')\nthrow new RangeError('boom')",
    );
    assert.equal(status, 1, stderr);
    assert.match(stderr, /^Error in cell \[a\] of moved\.ipynb: RangeError: boom$/m);
    assert.match(stderr, /^Cannot say which line that is: ENOENT/m);
    const { state, exitCode, error } = recordIn(out);
    assert.deepEqual(
      [state, exitCode, error],
      ['failed', 1, 'Error in cell [a] of moved.ipynb: RangeError: boom'],
    );
  });
});
