import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { readNotebook } from '@flowbook/kernel-extensions';
import { exportNotebook } from '../../../kernel-extensions/src/export/export-notebook';
import { Workspace } from '../notebook-of';

const root = path.resolve(__dirname, '../../..');
const command = [path.join(root, 'kernel-extensions/bin/flowbook.mjs'), 'run'];

/** A script that is no notebook's: says what it was given, and does what its flag asks for. */
const PLAIN = `
import { writeFileSync } from 'node:fs';
const value = (name) => process.argv.find((one) => one.startsWith('--' + name + '='))?.split('=')[1];
console.log(process.argv.slice(2).join(' '), process.env.FLOWBOOK_RESUME ?? 'new');
writeFileSync(process.env.FLOWBOOK_RUN_DIR + '/left.txt', 'left');
if (value('do') === 'fail') throw new Error('no');
if (value('do') === 'exit') process.exit(Number(value('code')));
if (value('do') === 'kill') process.kill(process.pid, 'SIGKILL');
if (value('do') === 'wait') setInterval(() => {}, 1000);
if (value('do') === 'keep') setInterval(() => {}, 1000), process.on('SIGTERM', () => process.exit(75));
`;

describe('flowbook run of a script', function () {
  this.timeout(120_000);
  const workspace = new Workspace();
  let notebookFile: string;
  let exported: string;
  let plain: string;
  let runs = 0;

  before(async () => {
    notebookFile = workspace.writeNotebook('nb/n.ipynb', [
      {
        id: 'settings',
        tags: ['parameters'],
        source:
          "const steps: number = 40; // how many\nconst rates: number[] = [1e-4];\nconst mode: 'a' | 'b' = 'a'",
      },
      {
        id: 'show',
        source:
          "import { display } from '@flowbook/kernel-extensions'\nconsole.log(steps / 3, rates, mode)\nawait display({ 'text/plain': 'a chart', 'text/html': '<b>1</b>' })\nsteps * 0.1",
      },
      { id: 'fail', source: "if (steps === 3) throw new Error('boom')\nrates.length" },
    ]);
    exported = workspace.path('n.ts');
    const options = { notebookFile, scriptFile: exported };
    writeFileSync(exported, (await exportNotebook(readNotebook(notebookFile), options)).text);
    plain = workspace.write('plain.mjs', PLAIN);
  });
  after(() => workspace.remove());

  function run(file: string, ...flags: string[]) {
    const out = workspace.path(`out-${(runs += 1)}`);
    const words = [...command, file, '--out', out, ...flags];
    return { out, ...spawnSync(process.execPath, words, { encoding: 'utf8', cwd: root }) };
  }

  const lines = (out: string, file: string): unknown[] =>
    readFileSync(path.join(out, file), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as unknown);
  const record = (out: string) =>
    JSON.parse(readFileSync(path.join(out, 'script.json'), 'utf8')) as Record<string, unknown>;

  it('leaves of an exported script what it leaves of its notebook, parameters set the same way', () => {
    const given = ['-p', 'steps=7', '-p', 'rates=0.5,2'];
    const inKernel = run(notebookFile, ...given);
    const asScript = run(exported, ...given);
    assert.equal(inKernel.status, 0, inKernel.stderr);
    assert.equal(asScript.status, 0, asScript.stderr);
    assert.equal(asScript.stdout, '2.3333333333333335 [ 0.5, 2 ] a\n');
    for (const file of ['printed.jsonl', 'results.jsonl']) {
      assert.deepEqual(lines(inKernel.out, file), lines(asScript.out, file), file);
    }
    // Parameters are a cell of the notebook, and none of the script.
    const eventsOf = (out: string) =>
      lines(out, 'progress.jsonl')
        .map((line) => line as Record<string, unknown>)
        .filter(({ cell }) => cell !== 'settings')
        .map(({ event, cell, state }) => [event, cell, state]);
    assert.deepEqual(eventsOf(inKernel.out), eventsOf(asScript.out));
    const left = (out: string) => readdirSync(out).filter((name) => name !== 'n.ipynb');
    assert.deepEqual(left(inKernel.out), left(asScript.out));
    for (const { out } of [inKernel, asScript]) {
      const { parameters, state, exitCode, notebook } = record(out);
      assert.deepEqual(
        { parameters, state, exitCode, notebook },
        {
          parameters: { steps: 7, rates: [0.5, 2], mode: 'a' },
          state: 'done',
          exitCode: 0,
          notebook: notebookFile,
        },
      );
      assert.match(readFileSync(path.join(out, 'index.html'), 'utf8'), /<pre>2\.333/);
    }
  });

  it('exits with 1 for a cell that fails and with 2 for wrong parameters of an exported script', () => {
    const { status, out, stderr } = run(exported, '-p', 'steps=3');
    assert.equal(status, 1, stderr);
    assert.match(stderr, /^Error in cell 3 \[fail\].*: Error: boom$/m);
    const { state, exitCode, error, cell } = record(out);
    assert.deepEqual([state, exitCode, cell], ['failed', 1, 'fail']);
    assert.match(String(error), /Error: boom$/);
    assert.equal(run(exported, '-p', 'stepz=1').status, 2);
  });

  it('runs any script in plain Node, with flags, and keeps what it prints', () => {
    const { status, stdout, out, stderr } = run(plain, '-p', 'a=1 2', '--resume', '--', '--b');
    assert.equal(status, 0, stderr);
    assert.equal(stdout, '--a=1 2 --b --resume auto auto\n');
    assert.deepEqual(lines(out, 'printed.jsonl'), [{ cell: null, text: stdout }]);
    assert.deepEqual(readdirSync(out), [
      'index.html',
      'left.txt',
      'printed.jsonl',
      'progress.jsonl',
      'script.json',
    ]);
    const { parameters, state, file } = record(out);
    assert.deepEqual(
      { parameters, state, file },
      { parameters: { a: '1 2' }, state: 'done', file: plain },
    );
    assert.match(
      readFileSync(path.join(out, 'index.html'), 'utf8'),
      /<h2>plain\.mjs<\/h2>\n<pre>--a=1 2/,
    );
    const typed = workspace.write(
      'typed.ts',
      'const n: number = process.argv.length;\nconsole.log(n);',
    );
    assert.equal(run(typed, '-p', 'a=1').stdout, '3\n');
  });

  it('exits with 1 for whatever a script fails by', () => {
    const cases: [string[], RegExp][] = [
      [['-p', 'do=fail'], /Error: no/],
      [['-p', 'do=exit', '-p', 'code=3'], /^plain\.mjs ended with exit code 3$/m],
      [['-p', 'do=kill'], /^plain\.mjs ended by SIGKILL$/m],
    ];
    for (const [flags, words] of cases) {
      const { status, stderr, out } = run(plain, ...flags);
      assert.equal(status, 1);
      assert.match(stderr, words);
      assert.equal(record(out).state, 'failed');
    }
  });

  const stops: [NodeJS.Signals, string, number][] = [
    ['SIGINT', 'wait', 130],
    ['SIGTERM', 'wait', 143],
    ['SIGTERM', 'keep', 75],
  ];
  for (const [signal, what, expected] of stops) {
    it(`exits with ${expected} when ${signal} stops a script that is to ${what}`, async () => {
      const out = workspace.path(`stopped-${what}-${signal}`);
      const words = [...command, plain, '--out', out, '-p', `do=${what}`];
      const child = spawn(process.execPath, words, { cwd: root });
      child.stdout.once('data', () => setTimeout(() => child.kill(signal), 200));
      assert.equal(await new Promise((resolve) => child.once('exit', resolve)), expected);
      const { state, exitCode } = record(out);
      assert.deepEqual([state, exitCode], ['stopped', expected]);
    });
  }

  it('exits with 2 when it is used wrongly, and writes nothing', () => {
    const link = workspace.path('link');
    symlinkSync(workspace.folder, link);
    const cases: [string, string[], RegExp][] = [
      [workspace.path('none.ts'), [], /^Cannot run as the script must exist: /m],
      [
        exported,
        ['-p', 'out=x'],
        /^Cannot set "out" as it is a flag that every script has, not one of its own$/m,
      ],
      [
        exported,
        ['-p', 'dry-run=true'],
        /^Cannot set "dry-run" as it is a flag that every script has, not one of its own$/m,
      ],
      [
        exported,
        ['--out', link],
        /^Cannot run as --out must be another folder than the script's: current value is .*link$/m,
      ],
      [
        notebookFile,
        ['--', '--steps', '1'],
        /^Cannot run as only a script has flags of its own: current value is --steps 1$/m,
      ],
    ];
    for (const [file, flags, message] of cases) {
      const { status, stderr, out } = run(file, ...flags);
      assert.equal(status, 2, file);
      assert.match(stderr, message);
      assert.deepEqual(existsSync(out) ? readdirSync(out) : [], []);
    }
  });
});
