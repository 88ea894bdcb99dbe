import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { hostname } from 'node:os';
import * as path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { readNotebook, writeNotebook } from '@flowbook/kernel-extensions';
import { Workspace } from '../notebook-of';

const root = path.resolve(__dirname, '../../..');
const tsx = createRequire(__filename).resolve('tsx');

function flowbook(args: string[], options: { cwd?: string; input?: string } = {}) {
  const command = ['--import', tsx, path.join(__dirname, '../run-command.ts'), ...args];
  return spawnSync(process.execPath, command, { encoding: 'utf8', cwd: root, ...options });
}

describe('flowbook check', function () {
  this.timeout(120_000);
  const workspace = new Workspace();
  after(() => workspace.remove());

  const parameters = { id: 'p', tags: ['parameters'], source: 'const n: number = 1' };

  it('says that a notebook and its script give the same, lines and last expressions', () => {
    const file = workspace.writeNotebook('same.ipynb', [
      parameters,
      { id: 'a', source: 'console.log(n / 3)\nconst t = { x: [n, 0.1 + 0.2] }\nt' },
      { id: 'kept', tags: ['checkpoint'], source: 'const kept = n * 2\nconsole.log(kept)\nkept' },
      { id: 'only', tags: ['no-export'], source: "console.log('only in the notebook')" },
      { id: 'b', source: 'kept + 0.5' },
    ]);
    const { status, stderr, stdout } = flowbook(['check', file, '-p', 'n=7']);
    assert.equal(stderr, `${file}: the same\n`);
    assert.equal(status, 0);
    assert.equal(stdout, '');
    assert.deepEqual(readdirSync(path.dirname(file)), ['same.ipynb']);
  });

  it('takes packages that are ES modules alone, which the kernel and scripts load', () => {
    const files = {
      'package.json': JSON.stringify({ name: 'only-esm', type: 'module', exports: './index.js' }),
      'index.js': 'export const one = 1;',
      'index.d.ts': 'export declare const one: number; export interface Shape { a: number }',
    };
    for (const [name, text] of Object.entries(files))
      workspace.write(`node_modules/only-esm/${name}`, text);
    const file = workspace.writeNotebook('module.ipynb', [
      { id: 'a', source: "import { one } from 'only-esm'\nimport type { Shape } from 'only-esm'" },
      { id: 'b', source: 'const shape: Shape = { a: one }\nshape' },
    ]);
    assert.equal(flowbook(['check', file]).stderr, `${file}: the same\n`);
  });

  it('names the first cell and line that differ, and exits with 1', () => {
    const file = workspace.writeNotebook('differs.ipynb', [
      { id: 'a', source: "Math.random()\nconsole.log('same')" },
      {
        id: 'b',
        source: "console.log('one')\nconsole.log(process.argv[1].endsWith('differs.ts'))",
      },
    ]);
    const { status, stderr } = flowbook(['check', file]);
    assert.equal(status, 1);
    assert.equal(
      stderr,
      `Warning FB103: cell 1 [a], line 1: Math.random differs from run to run; a script takes --seed for it\n` +
        `${file}: cell 2 [b] differs, line 2: the notebook says "false", the script "true"\n`,
    );
  });

  it('exits with 1 for type errors and for cells that fail, with 2 for a parameter that is none', () => {
    const typed = workspace.writeNotebook('typed.ipynb', [
      { id: 'a', source: "const n: number = 'x'" },
    ]);
    const { status, stderr } = flowbook(['check', typed]);
    assert.equal(status, 1);
    assert.match(
      stderr,
      /typed\.ts:\d+ \(cell \[a\]\): Type 'string' is not assignable to type 'number'\./,
    );
    const fails = workspace.writeNotebook('fails.ipynb', [
      parameters,
      { id: 'a', source: "throw new Error('no')" },
    ]);
    assert.match(
      flowbook(['check', fails]).stderr,
      /cell 2 \[a\] fails in the notebook: Error: no$/m,
    );
    assert.equal(flowbook(['check', fails, '-p', 'm=1']).status, 2);
  });

  it('leaves nothing behind when it is stopped, and takes away what one left that was killed', async () => {
    const file = workspace.writeNotebook('stopped/long.ipynb', [
      { id: 'a', source: 'await new Promise((resolve) => setTimeout(resolve, 600_000))' },
    ]);
    const folder = path.dirname(file);
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    const left = `.flowbook-check-${dead}@${hostname()}-abcdef`;
    const elsewhere = `.flowbook-check-${dead}@another-machine-abcdef`;
    for (const name of [left, elsewhere]) mkdirSync(path.join(folder, name));
    const command = ['--import', tsx, path.join(__dirname, '../run-command.ts'), 'check', file];
    const check = spawn(process.execPath, command, { cwd: root, stdio: 'ignore' });
    const ended = new Promise((resolve) => check.once('close', resolve));
    const own = () => readdirSync(folder).find((name) => name.includes(`-${check.pid}@`));
    while (!existsSync(path.join(folder, own() ?? 'none', 'kernel'))) await wait(50);
    check.kill('SIGTERM');
    assert.equal(await ended, 143);
    assert.deepEqual(readdirSync(folder), [elsewhere, 'long.ipynb']);
  });
});

describe('flowbook strip', function () {
  this.timeout(60_000);
  const workspace = new Workspace();
  let file: string;
  before(() => {
    file = workspace.writeNotebook('s.ipynb', [{ id: 'a', source: 'const x = 1' }]);
    const notebook = readNotebook(file);
    notebook.cells[0].outputs = [{ output_type: 'stream', name: 'stdout', text: 'secret\n' }];
    notebook.cells[0].execution_count = 3;
    notebook.cells[0].metadata = { tags: ['kept'], execution: { 'shell.execute_reply': 'now' } };
    notebook.metadata.widgets = { 'application/vnd.jupyter.widget-state+json': { state: {} } };
    writeNotebook(file, notebook);
  });
  after(() => workspace.remove());

  it('takes outputs, counts and times out, in place and from stdin to stdout, and keeps the rest', () => {
    const text = readFileSync(file, 'utf8');
    const { status, stdout } = flowbook(['strip'], { input: text });
    assert.equal(status, 0);
    copyFileSync(file, workspace.path('copy.ipynb'));
    assert.equal(flowbook(['strip', workspace.path('copy.ipynb')]).status, 0);
    assert.equal(readFileSync(workspace.path('copy.ipynb'), 'utf8'), stdout);
    const stripped = readNotebook(workspace.path('copy.ipynb'));
    assert.deepEqual(Object.keys(stripped.metadata), ['kernelspec', 'language_info']);
    const [cell] = stripped.cells;
    assert.deepEqual(cell, {
      id: 'a',
      cell_type: 'code',
      metadata: { tags: ['kept'] },
      source: 'const x = 1',
      outputs: [],
      execution_count: null,
    });
    assert.equal(flowbook(['strip'], { input: 'no notebook' }).status, 2);
  });

  it('--install keeps outputs out of commits, and leaves them in the folder', () => {
    const folder = workspace.path('repository');
    mkdirSync(folder);
    const git = (...args: string[]) => execFileSync('git', args, { cwd: folder, encoding: 'utf8' });
    git('init', '-q');
    assert.equal(flowbook(['strip', '--install'], { cwd: folder }).status, 0);
    assert.equal(flowbook(['strip', '--install'], { cwd: folder }).status, 0);
    assert.equal(
      readFileSync(path.join(folder, '.gitattributes'), 'utf8'),
      '*.ipynb filter=flowbook\n',
    );
    copyFileSync(file, path.join(folder, 's.ipynb'));
    git('add', '.');
    assert.doesNotMatch(git('show', ':s.ipynb'), /secret/);
    assert.match(readFileSync(path.join(folder, 's.ipynb'), 'utf8'), /secret/);
  });
});
