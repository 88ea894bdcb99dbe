import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { KernelClient, readNotebook, type Notebook } from '@flowbook/kernel-extensions';
import { executeNotebook } from '../../kernel-extensions/src/notebook/execute-notebook';
import { exportScript } from '../../kernel-extensions/src/export/export-script';
import { injectParameters } from '../../kernel-extensions/src/notebook/inject-parameters';
import { isLong } from '../long-run';

const root = join(__dirname, '../..');
const notebooks = join(root, 'notebooks');
const tsx = createRequire(__filename).resolve('tsx');
const names = readdirSync(notebooks).filter((name) => name.endsWith('.ipynb'));
/** Whose scripts run as well: a policy gradient, pairs on SD3, and what a notebook registers itself. Of long runs, all. */
const asScripts = isLong
  ? names
  : ['01-flow-grpo.ipynb', '08-diffusion-dpo.ipynb', '09-bring-your-own.ipynb'];

/** What its cells print. */
function printed({ cells }: Notebook): string {
  const texts = cells.flatMap(({ outputs = [] }) =>
    outputs.map((one) => ('text' in one && one.name === 'stdout' ? one.text : '')),
  );
  return texts.join('');
}

describe('recipes in smoke mode', function () {
  this.timeout(600_000);
  let folder: string;
  let kernel: KernelClient;
  before(async () => {
    mkdirSync(join(root, 'runs'), { recursive: true });
    folder = mkdtempSync(join(root, 'runs', 'recipes-test-'));
    // One for all: what a recipe takes from another, its script does not find.
    kernel = await KernelClient.start({ cwd: notebooks });
  });
  after(async () => {
    await kernel.shutdown();
    rmSync(folder, { recursive: true, force: true });
  });

  async function throughKernel(name: string): Promise<string> {
    const notebook = readNotebook(join(notebooks, name));
    injectParameters(notebook, new Map([['mode', 'smoke']]));
    const directory = join(folder, `${name}-kernel`);
    mkdirSync(directory);
    await kernel.execute(`process.env.FLOWBOOK_RUN_DIR = ${JSON.stringify(directory)};`);
    const { failures } = await executeNotebook(kernel, notebook);
    assert.deepEqual(
      failures.map(({ cell, error }) => `${cell.id}: ${error.evalue}`),
      [],
    );
    return printed(notebook);
  }

  async function asScript(name: string): Promise<string> {
    const file = join(folder, name.replace('.ipynb', '.ts'));
    const notebookFile = join(notebooks, name);
    const { text, warnings } = await exportScript(
      readNotebook(notebookFile),
      notebookFile,
      file,
      true,
    );
    assert.deepEqual(warnings, []);
    writeFileSync(file, text);
    const out = join(folder, `${name}-script`);
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', tsx, file, '--mode', 'smoke', '--out', out],
      { cwd: root },
    );
    return stdout;
  }

  for (const name of names) {
    const hasScript = asScripts.includes(name);
    it(`${name} is without outputs, and prints through the kernel${hasScript ? ' what its script prints' : ''}`, async () => {
      const kept = readNotebook(join(notebooks, name));
      assert.ok(kept.cells.every(({ outputs = [] }) => outputs.length === 0));
      const lines = await throughKernel(name);
      assert.ok(lines.length > 0, `${name} prints something`);
      if (hasScript) assert.equal(await asScript(name), lines);
    });
  }
});
