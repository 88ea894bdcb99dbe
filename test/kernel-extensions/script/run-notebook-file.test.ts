import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as path from 'node:path';
import {
  type Cell,
  KernelClient,
  type Notebook,
  readNotebook,
  writeNotebook,
} from '@flowbook/kernel-extensions';
import { executeNotebook } from '../../../kernel-extensions/src/notebook/execute-notebook';
import { requireLanguage } from '../../../kernel-extensions/src/notebook/require-language';
import {
  CellCheckpoints,
  hasKeptCell,
} from '../../../kernel-extensions/src/script/cell-checkpoints';
import { runHeadless } from '../../../kernel-extensions/src/commands/headless';
import { runNotebookFile } from '../../../kernel-extensions/src/script/run-notebook-file';
import { textOnStderr } from '../../sdk/io/hub/text-on-stderr';
import { awkwardNotebooks } from '../export/awkward-notebooks';
import { Workspace } from '../notebook-of';

const root = path.resolve(__dirname, '../../..');
const tsx = createRequire(__filename).resolve('tsx');
const command = ['--import', tsx, path.join(__dirname, '../run-command.ts')];

function flowbookRun(...args: string[]) {
  return spawnSync(process.execPath, [...command, 'run', ...args], { encoding: 'utf8', cwd: root });
}

function printed({ cells }: Notebook): string {
  const texts = cells.flatMap(({ outputs = [] }) =>
    outputs.map((one) => ('text' in one && one.name === 'stdout' ? one.text : '')),
  );
  return texts.join('');
}

describe('executeNotebook() through the kernel', () => {
  for (const { name, cells, files, stdout } of awkwardNotebooks.filter(
    ({ inKernel }) => inKernel !== false,
  )) {
    it(`prints for "${name}" what its script prints`, async () => {
      const workspace = new Workspace();
      for (const [file, text] of Object.entries(files ?? {})) workspace.write(file, text);
      const notebook = readNotebook(workspace.writeNotebook('n.ipynb', cells));
      const kernel = await KernelClient.start({ cwd: workspace.folder });
      try {
        const run = await executeNotebook(kernel, notebook);
        assert.deepEqual(
          run.failures.map(({ error }) => error),
          [],
        );
        assert.equal(printed(notebook), `${stdout.join('\n')}\n`);
      } finally {
        await kernel.shutdown();
        workspace.remove();
      }
    });
  }
});

describe('flowbook run', () => {
  const workspace = new Workspace();
  const cells = [
    { id: 'title', type: 'markdown' as const, source: '# Title' },
    { id: 'settings', tags: ['parameters'], source: 'const steps: number = 40; // how many' },
    {
      id: 'use',
      source:
        "import { display } from '@flowbook/kernel-extensions'\nfor (let i = 0; i < 200; i++) console.log(i)\nawait display({ 'text/plain': 'old' }, { displayId: 'shown' })",
    },
    {
      id: 'update',
      source:
        "import { updateDisplay } from '@flowbook/kernel-extensions'\nimport { readFileSync } from 'node:fs'\nawait updateDisplay('shown', { 'text/plain': 'new' })\nconsole.log(readFileSync('data.txt', 'utf8').trim(), process.env.FLOWBOOK_RUN_DIR)\nsteps * 0.1",
    },
    { id: 'extra', tags: ['export-only'], source: 'throw new Error("not in the notebook")' },
    {
      id: 'fail',
      source:
        'if (steps === 3) throw new Error("boom")\nif (steps === 4) process.kill(process.ppid, "SIGKILL")\nif (steps === 5) { console.log("waiting"); await new Promise((resolve) => setTimeout(resolve, 60_000)) }',
    },
    { id: 'end', source: '"end"' },
  ];
  let notebookFile: string;

  before(() => {
    notebookFile = workspace.writeNotebook('nb/example.ipynb', cells);
    workspace.write('nb/data.txt', 'data\n');
  });
  after(() => workspace.remove());

  const result = (out: string): Notebook => readNotebook(path.join(out, 'example.ipynb'));
  const outputs = (notebook: Notebook, id: string) =>
    notebook.cells.find((cell) => cell.id === id)!.outputs!;

  it('writes the notebook with folded outputs, counts and the values it ran with, and exits with 0', () => {
    const out = workspace.path('out');
    const before = readFileSync(notebookFile, 'utf8');
    const { status, stdout, stderr } = flowbookRun(notebookFile, '--out', out, '-p', 'steps=2');
    assert.equal(status, 0, stderr);
    assert.equal(stdout, '');
    assert.match(stderr, /^\[1\/5\] cell 2 \[settings\] \d+\.\d s$/m);
    assert.deepEqual(readdirSync(out), [
      '01-output.txt',
      'example.ipynb',
      'index.html',
      'printed.jsonl',
      'progress.jsonl',
      'results.jsonl',
      'script.json',
    ]);
    assert.equal(readFileSync(notebookFile, 'utf8'), before);
    const notebook = result(out);
    assert.equal(notebook.cells[1].source, 'const steps: number = 2; // how many');
    assert.deepEqual(
      notebook.cells.map((cell) => cell.execution_count ?? null),
      [null, 1, 2, 3, null, 4, 5],
    );
    const [numbers, shown, ...more] = outputs(notebook, 'use');
    assert.deepEqual(more, []);
    assert.equal('text' in numbers && numbers.text.split('\n').length, 201);
    assert.deepEqual(shown, {
      output_type: 'display_data',
      data: { 'text/plain': 'new' },
      metadata: {},
    });
    assert.deepEqual(outputs(notebook, 'update'), [
      { output_type: 'stream', name: 'stdout', text: `data ${out}\n` },
      {
        output_type: 'execute_result',
        data: { 'text/plain': '0.2' },
        metadata: {},
        execution_count: 3,
      },
    ]);
    assert.deepEqual(outputs(notebook, 'extra'), []);
  });

  it('keeps what a callback prints after its cell has ended', () => {
    const out = workspace.path('late');
    const source = "console.log('first')\nsetTimeout(() => console.log('late'), 300)";
    const wait = 'await new Promise((settle) => setTimeout(settle, 600))';
    const file = workspace.writeNotebook('nb/late.ipynb', [
      { id: 'a', source },
      { id: 'b', source: `${wait}\nconsole.log('second')` },
    ]);
    const { status, stderr } = flowbookRun(file, '--out', out);
    assert.equal(status, 0, stderr);
    assert.equal(
      readFileSync(path.join(out, 'printed.jsonl'), 'utf8'),
      '{"cell":"a","text":"first\\nlate\\n"}\n{"cell":"b","text":"second\\n"}\n',
    );
    assert.match(readFileSync(path.join(out, 'index.html'), 'utf8'), /late/);
  });

  it('exits with 1 and the error when a cell fails, and still writes the notebook', () => {
    const out = workspace.path('failed');
    const { status, stderr } = flowbookRun(notebookFile, '--out', out, '-p', 'steps=3');
    assert.equal(status, 1);
    assert.match(stderr, /^Error in cell 6 \[fail\]: Error: boom$/m);
    const [error] = outputs(result(out), 'fail');
    assert.equal('ename' in error && error.evalue, 'boom');
    assert.deepEqual(outputs(result(out), 'end'), []);
    const record = JSON.parse(readFileSync(path.join(out, 'script.json'), 'utf8'));
    assert.deepEqual(
      [record.state, record.exitCode, record.cell, record.error],
      ['failed', 1, 'fail', 'Error in cell 6 [fail]: Error: boom'],
    );
  });

  it('--allow-errors goes on after a cell that fails, and exits with 1', () => {
    const out = workspace.path('allowed');
    const { status, stderr } = flowbookRun(
      notebookFile,
      '--out',
      out,
      '-p',
      'steps=3',
      '--allow-errors',
    );
    assert.equal(status, 1, stderr);
    assert.match(stderr, /^Error in cell 6 \[fail\]: Error: boom$/m);
    assert.equal(outputs(result(out), 'end').length, 1);
  });

  it('runs a notebook by its own metadata', () => {
    const file = workspace.writeNotebook('untyped.ipynb', [
      { id: 'a', source: 'const text: string = 5;\nMath.random();\ntext' },
    ]);
    const notebook = readNotebook(file);
    writeNotebook(file, { ...notebook, metadata: { flowbook: { typecheck: 'off' } } });
    const { status, stderr } = flowbookRun(file, '--out', workspace.path('untyped'));
    assert.equal(status, 0, stderr);
    assert.match(stderr, /^Warning FB103: cell 1 \[a\], line 2: Math\.random differs /m);
  });

  it('exits with 1 when the kernel dies, and still writes the notebook', () => {
    const out = workspace.path('died');
    const { status, stderr } = flowbookRun(notebookFile, '--out', out, '-p', 'steps=4');
    assert.equal(status, 1);
    assert.match(stderr, /^Error in cell 6 \[fail\]: KernelDied: /m);
    const [error] = outputs(result(out), 'fail');
    assert.equal('ename' in error && error.ename, 'KernelDied');
  });

  it('exits with 130 when it is interrupted, and still writes the notebook', async () => {
    const out = workspace.path('interrupted');
    const child = spawn(
      process.execPath,
      [...command, 'run', notebookFile, '--out', out, '-p', 'steps=5'],
      { cwd: root },
    );
    let progress = '';
    child.stderr.on('data', (chunk) => {
      const before = progress;
      progress += chunk;
      const reached = (text: string): boolean => text.includes('[3/5]');
      if (reached(progress) && !reached(before)) setTimeout(() => child.kill('SIGINT'), 1000);
    });
    assert.equal(await new Promise((resolve) => child.once('exit', resolve)), 130, progress);
    assert.equal(outputs(result(out), 'fail').length > 0, true);
  });

  const wrongUse: [string, string[], RegExp][] = [
    [
      'an unknown parameter',
      ['-p', 'stepz=1'],
      /^Cannot set "stepz" as the notebook's parameters are: steps$/m,
    ],
    [
      'a value of another type',
      ['-p', 'steps=x'],
      /^Cannot set "steps" as it must be a number: current value is x$/m,
    ],
    ['a parameter without a value', ['-p', 'steps'], /It must be name=value\./],
  ];
  for (const [what, flags, message] of wrongUse) {
    it(`exits with 2 for ${what}`, () => {
      const { status, stderr } = flowbookRun(
        notebookFile,
        '--out',
        workspace.path('wrong'),
        ...flags,
      );
      assert.equal(status, 2);
      assert.match(stderr, message);
      assert.equal(existsSync(workspace.path('wrong')), false);
    });
  }

  it('takes notebooks of its languages, and those that do not say theirs', () => {
    const of = (metadata: object) => () =>
      requireLanguage({ metadata, cells: [] } as Notebook, 'n.ipynb');
    of({})();
    of({ kernelspec: { name: 'tslab', language: 'typescript' } })();
    of({ language_info: { name: 'javascript' } })();
    assert.throws(of({ kernelspec: { language: 'python' } }), {
      name: 'NotebookFormatError',
      message:
        'Cannot take n.ipynb as its language must be typescript or javascript: current value is python',
    });
  });

  it("exits with 2 when --out is the notebook's own folder, also by a link, and of a Jupyter server too", async () => {
    const [own, link] = [workspace.path('nb'), workspace.path('link')];
    symlinkSync(own, link);
    const before = readFileSync(notebookFile, 'utf8');
    for (const out of [own, link]) {
      const problem = `Cannot run as --out must be another folder than the notebook's: current value is ${out}\n`;
      const { status, stderr } = flowbookRun(notebookFile, '--out', out);
      assert.deepEqual([status, stderr], [2, problem]);
      const said = await textOnStderr(async () =>
        assert.equal(await runHeadless(notebookFile, { out, parameter: new Map() }), 2),
      );
      assert.ok(said.endsWith(problem), said);
    }
    assert.equal(readFileSync(notebookFile, 'utf8'), before);
    assert.equal(existsSync(path.join(own, 'script.json')), false);
  });

  it('exits with 1, says why and ends the kernel when the folder cannot be written any more', () => {
    const folder = 'process.env.FLOWBOOK_RUN_DIR!';
    const file = workspace.writeNotebook('nb/unwritten.ipynb', [
      { id: 'a', source: '"kept"' },
      {
        id: 'b',
        source: `import { rmSync } from 'node:fs'\nrmSync(${folder}, { recursive: true })`,
      },
      { id: 'c', source: '1' },
    ]);
    const out = workspace.path('unwritten');
    const words = [...command, 'run', file, '--out', out];
    const { status, stderr } = spawnSync(process.execPath, words, {
      encoding: 'utf8',
      cwd: root,
      timeout: 60_000,
    });
    assert.equal(status, 1, stderr);
    assert.ok(stderr.includes(`Cannot write what the run leaves to "${out}": ENOENT`), stderr);
    assert.doesNotMatch(stderr, /\[3\/3\]/);
  });

  it('keeps the notebook, and fails in its record, when only the page cannot be written', () => {
    const file = workspace.writeNotebook('nb/page.ipynb', [
      {
        id: 'a',
        source:
          "import { mkdirSync } from 'node:fs'\nmkdirSync(process.env.FLOWBOOK_RUN_DIR + '/index.html')\n'kept'",
      },
    ]);
    const out = workspace.path('page');
    const { status, stderr } = flowbookRun(file, '--out', out);
    assert.equal(status, 1, stderr);
    assert.equal(readNotebook(path.join(out, 'page.ipynb')).cells[0].outputs!.length, 1);
    const record = JSON.parse(readFileSync(path.join(out, 'script.json'), 'utf8'));
    assert.deepEqual([record.state, record.exitCode], ['failed', 1]);
    assert.ok(record.error.startsWith(`Cannot write what the run leaves to "${out}": EISDIR`));
  });

  it('keeps the outputs of a cell whose end cannot be noted, and forgets what a script has kept', () => {
    const place = "process.env.FLOWBOOK_RUN_DIR + '/progress.jsonl'";
    const file = workspace.writeNotebook('nb/noted.ipynb', [
      {
        id: 'a',
        source: `import { mkdirSync, rmSync } from 'node:fs'\nrmSync(${place})\nmkdirSync(${place})\n'kept'`,
      },
    ]);
    const out = workspace.path('noted');
    const kept = { values: {}, printed: '', results: [], displays: 0, files: [], random: null };
    new CellCheckpoints(out, '// %% [a]\n', {}).write('a', kept);
    const { status, stderr } = flowbookRun(file, '--out', out);
    assert.equal(status, 1, stderr);
    assert.equal(readNotebook(path.join(out, 'noted.ipynb')).cells[0].outputs!.length, 1);
    assert.equal(hasKeptCell(out), false);
  });

  it('keeps nothing that the notebook was saved with when the kernel cannot start', async () => {
    const file = workspace.writeNotebook('nb/saved.ipynb', [{ id: 'a', source: '1' }]);
    const saved = readNotebook(file);
    const outputs: Cell['outputs'] = [
      { output_type: 'stream', name: 'stdout', text: 'of an earlier run' },
      {
        output_type: 'execute_result',
        data: { 'text/plain': '7' },
        metadata: {},
        execution_count: 3,
      },
    ];
    Object.assign(saved.cells[0], { execution_count: 3, outputs });
    writeNotebook(file, saved);
    const out = workspace.path('unstarted');
    const said = await textOnStderr(async () => {
      const code = await runNotebookFile({
        ...{ notebookFile: file, directory: out, isDefault: false, parameters: new Map() },
        ...{ allowErrors: false, resume: false },
        startKernel: () => Promise.reject(new Error('no room')),
      });
      assert.equal(code, 1);
    });
    assert.equal(said, 'no room\n');
    const [cell] = readNotebook(path.join(out, 'saved.ipynb')).cells;
    assert.deepEqual([cell.outputs, cell.execution_count], [[], null]);
    for (const name of ['printed.jsonl', 'results.jsonl'])
      assert.equal(readFileSync(path.join(out, name), 'utf8'), '', name);
    assert.doesNotMatch(readFileSync(path.join(out, 'index.html'), 'utf8'), /of an earlier run/);
    assert.deepEqual(readNotebook(file).cells[0].outputs, outputs);
  });
});
