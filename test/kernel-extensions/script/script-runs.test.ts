import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as path from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { readNotebook } from '@flowbook/kernel-extensions';
import { exportNotebook } from '../../../kernel-extensions/src/export/export-notebook';
import type { AwkwardNotebook } from '../export/awkward-notebooks';
import { Workspace } from '../notebook-of';

const root = path.resolve(__dirname, '../../..');
const tsx = createRequire(__filename).resolve('tsx');

function run(script: string, ...flags: string[]) {
  return spawnSync(process.execPath, ['--import', tsx, script, ...flags], {
    encoding: 'utf8',
    cwd: root,
  });
}

/** Starts a script and sends a signal once it has printed a word. */
async function stop(signal: NodeJS.Signals, word: string, script: string, ...flags: string[]) {
  const child = spawn(process.execPath, ['--import', tsx, script, ...flags], {
    cwd: root,
  });
  let stderr = '';
  let sent = false;
  child.stderr.on('data', (chunk) => (stderr += chunk));
  child.stdout.on('data', (chunk) => {
    if (sent || !String(chunk).includes(word)) return;
    sent = true;
    child.kill(signal);
  });
  const status = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { status, stderr };
}

const cells: AwkwardNotebook['cells'] = [
  { id: 'title', type: 'markdown', source: '# A notebook' },
  {
    id: 'settings',
    tags: ['parameters'],
    source:
      "const steps: number = 3; // how many\nconst mode: 'a' | 'b' = 'a';\nconst rates: number[] = [1e-4];\nconst name: string | null = null",
  },
  {
    id: 'slow',
    tags: ['checkpoint'],
    source:
      "import { display } from '@flowbook/kernel-extensions'\nlet sum = 0\nconst table = new Map([['x', new Float32Array([1, NaN])]])\nfor (let i = 0; i < steps; i++) sum += i * 0.1\nconsole.log('computed', sum, process.hrtime.bigint())\nawait display({ 'text/plain': 'a chart', 'text/html': '<b>1</b>' }, { name: 'chart' });\n({ sum })",
  },
  {
    id: 'shown',
    source:
      "import { display as show, newDisplay } from 'tslab'\nsum += 1\nshow.html('<i>tslab</i>')\nconst d = newDisplay()\nd.text('one')\nd.text('two')\nconsole.log(sum, table.get('x'), mode, name)",
  },
  {
    id: 'wait',
    source:
      "if (mode === 'b') { console.log('waiting'); await new Promise((resolve) => setTimeout(resolve, 60_000)) }\nMath.random()",
  },
];

describe('a script and its run folder', function () {
  this.timeout(120_000);
  const workspace = new Workspace();
  let script: string;
  before(async () => (script = await exported('n', cells)));
  after(() => workspace.remove());

  async function exported(name: string, of: AwkwardNotebook['cells']): Promise<string> {
    const notebookFile = workspace.writeNotebook(`nb/${name}.ipynb`, of);
    const scriptFile = workspace.path(`${name}.ts`);
    const { text } = await exportNotebook(readNotebook(notebookFile), { notebookFile, scriptFile });
    writeFileSync(scriptFile, text);
    return scriptFile;
  }

  const record = (out: string) => JSON.parse(readFileSync(path.join(out, 'script.json'), 'utf8'));
  const lines = (file: string) =>
    readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));

  it("keeps record, progress, what was printed, tslab's displays, and a page", () => {
    const out = workspace.path('out', 'all');
    const { status, stdout, stderr } = run(script, '--steps', '4', '--seed', '7', '--out', out);
    assert.equal(status, 0, stderr);
    assert.match(
      stdout,
      /^computed 0\.6\d* \d+n\n1\.6\d* Float32Array\(2\) \[ 1, NaN \] a null\n$/,
    );
    assert.deepEqual(readdirSync(out).sort(), [
      '01-chart.html',
      '01-chart.txt',
      '02-output.html',
      '03-output.txt',
      'cells',
      'index.html',
      'printed.jsonl',
      'progress.jsonl',
      'results.jsonl',
      'script.json',
    ]);
    assert.equal(readFileSync(path.join(out, '03-output.txt'), 'utf8'), 'two\n');
    const { state, exitCode, parameters, cell } = record(out);
    assert.deepEqual({ state, exitCode, cell }, { state: 'done', exitCode: 0, cell: 'wait' });
    assert.deepEqual(parameters, { steps: 4, mode: 'a', rates: [1e-4], name: null, seed: 7 });
    assert.deepEqual(
      lines(path.join(out, 'printed.jsonl')).map((line) => line.cell),
      ['slow', 'shown'],
    );
    const page = readFileSync(path.join(out, 'index.html'), 'utf8');
    for (const part of [
      '<td>steps</td><td>4</td>',
      '01-chart.html',
      'Float32Array(2) [ 1, NaN ]',
      '<h2>shown</h2>',
    ]) {
      assert.ok(page.includes(part), part);
    }
    assert.match(
      stderr,
      /^Writing to .*all\n\[slow\] \d+\.\d s\n\[shown\] \d+\.\d s\n\[wait\] \d+\.\d s\n$/,
    );
  });

  it('draws the same Math.random for the same --seed', () => {
    const value = (name: string, seed: string) => {
      const out = workspace.path('out', name);
      assert.equal(run(script, '--seed', seed, '--out', out).status, 0);
      return lines(path.join(out, 'results.jsonl')).at(-1).text;
    };
    assert.equal(value('seed-1', '5'), value('seed-2', '5'));
    assert.notEqual(value('seed-3', '6'), value('seed-1', '5'));
  });

  it('takes parameters from YAML, and those of the command line first; --dry-run runs nothing', () => {
    const file = workspace.write('p.yaml', 'steps: 9\nmode: b\nrates: [1, 2.5]\nname: x\n');
    const out = workspace.path('out', 'dry');
    const { status, stdout } = run(script, '-f', file, '--mode', 'a', '--dry-run', '--out', out);
    assert.equal(status, 0);
    assert.deepEqual(JSON.parse(stdout).parameters, {
      steps: 9,
      mode: 'a',
      rates: [1, 2.5],
      name: 'x',
    });
    assert.equal(existsSync(out), false);
  });

  const wrong: [string, string, RegExp][] = [
    [
      'a name that it has not',
      'stepz: 1',
      /^Cannot take "stepz" from .*p\.yaml as the script's parameters are: steps, mode, rates, name$/m,
    ],
    [
      'a value of another type',
      'mode: 3',
      /^Cannot take "mode" from .*p\.yaml as it must be one of "a", "b": current value is 3$/m,
    ],
    [
      'a list',
      '- 1',
      /^Cannot read .*p\.yaml as it must hold names and values: current value is \[1\]$/m,
    ],
  ];
  for (const [what, text, message] of wrong) {
    it(`exits with 2 for ${what} in the file of parameters`, () => {
      const { status, stderr } = run(script, '-f', workspace.write('p.yaml', text));
      assert.equal(status, 2);
      assert.match(stderr, message);
    });
  }

  it('fails, with its record and page, where errors come that no cell awaits', async () => {
    const stray = await exported('stray', [
      {
        id: 'a',
        source:
          'const jobs = [1, 2].map(async (n) => { await null; throw new Error(`job ${n}`) })\nawait new Promise((resolve) => setTimeout(resolve, 200))',
      },
    ]);
    const out = workspace.path('out', 'stray');
    const { status, stderr } = run(stray, '--out', out);
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^Error in cell 1 \[a\], line 1 of stray\.ipynb \(stray\.ts:\d+\): Error: job 1$/m,
    );
    assert.match(stderr, /^Uncaught Error: job 2$/m);
    const { state, exitCode } = record(out);
    assert.deepEqual([state, exitCode], ['failed', 1]);
    assert.ok(existsSync(path.join(out, 'index.html')));
  });

  it('prints an error that no cell awaits after a cell has failed', async () => {
    const failing = await exported('failing', [
      {
        id: 'a',
        source:
          "import { display } from '@flowbook/kernel-extensions'\nvoid display(new Promise((settle) => setTimeout(() => settle('x'), 300)))\nsetTimeout(() => { throw new Error('stray') }, 50)\nthrow new Error('first')",
      },
    ]);
    const { status, stderr } = run(failing, '--out', workspace.path('out', 'failing'));
    assert.equal(status, 1, stderr);
    assert.match(stderr, /: Error: first$/m);
    assert.match(stderr, /^Uncaught Error: stray$/m);
  });

  it('fails, with its record, where nothing is left that could settle what a cell waits for', async () => {
    const sources = {
      waits: 'console.log(1)\nawait new Promise(() => {})',
      shows:
        "import { display } from '@flowbook/kernel-extensions'\nvoid display(new Promise(() => {}))\nthrow new Error('first')",
    };
    const messages = {
      waits:
        /: Error: Cannot end cell a as what it waits for must settle: nothing that runs could do so any more$/m,
      shows: /: Error: first$/m,
    };
    for (const name of ['waits', 'shows'] as const) {
      const out = workspace.path('out', name);
      const waiting = await exported(name, [{ id: 'a', source: sources[name] }]);
      const { status, stderr } = run(waiting, '--out', out);
      assert.equal(status, 1, stderr);
      assert.match(stderr, messages[name]);
      const { state, exitCode } = record(out);
      assert.deepEqual([state, exitCode], ['failed', 1]);
    }
  });

  it('says its progress as JSON on stderr with --json', () => {
    const { stderr } = run(script, '--json', '--out', workspace.path('out', 'json'));
    const events = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      events.map(({ event, cell, state }) => [event, cell, state].filter(Boolean).join(' ')),
      [
        'start',
        'cell slow running',
        'cell slow done',
        'cell shown running',
        'cell shown done',
        'cell wait running',
        'cell wait done',
        'end done',
      ],
    );
    assert.equal(events.at(-1).exitCode, 0);
  });

  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 75],
  ] as const) {
    it(`exits with ${code} at ${signal} when a cell was kept, and --resume goes on from there`, async () => {
      const out = workspace.path('out', signal);
      const first = ['--mode', 'b', '--seed', '3', '--out', out];
      const { status, stderr } = await stop(signal, 'waiting', script, ...first);
      assert.equal(status, code, stderr);
      if (code === 75) assert.match(stderr, /^Stopped with a checkpoint: go on with --resume .*$/m);
      assert.equal(record(out).state, 'stopped');
      const printed = lines(path.join(out, 'printed.jsonl'));

      // Other parameters are another computation; the same one, of the same seed, is not done again.
      const again = await stop(signal, 'waiting', script, '--resume', out);
      assert.equal(again.status, code);
      assert.match(again.stderr, /^\[slow\] restored$/m);
      assert.deepEqual(lines(path.join(out, 'printed.jsonl')), printed);
      assert.equal(record(out).resumed, 1);
      assert.equal(record(out).parameters.seed, 3);
      assert.ok(existsSync(path.join(out, '03-output.txt')));
      const other = run(script, '--resume', out, '--mode', 'a');
      assert.equal(other.status, 0);
      assert.doesNotMatch(other.stderr, /restored/);
      assert.match(lines(path.join(out, 'results.jsonl'))[0].text, /sum: 0\.3/);
    });
  }

  it('exits with 130 and 143 when nothing was kept', async () => {
    const notebookFile = workspace.writeNotebook('nb/plain.ipynb', [
      {
        id: 'a',
        source:
          "console.log('waiting')\nawait new Promise((resolve) => setTimeout(resolve, 60_000))",
      },
    ]);
    const plain = workspace.path('plain.ts');
    const { text } = await exportNotebook(readNotebook(notebookFile), {
      notebookFile,
      scriptFile: plain,
    });
    writeFileSync(plain, text);
    for (const [signal, code] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      const out = workspace.path('out', `plain-${signal}`);
      assert.equal((await stop(signal, 'waiting', plain, '--out', out)).status, code);
      assert.equal(record(out).exitCode, code);
      rmSync(out, { recursive: true });
    }
  });

  it('exits with 2 when there is nothing to resume in the folder', () => {
    const { status, stderr } = run(script, '--resume', workspace.path('none'));
    assert.equal(status, 2);
    assert.match(
      stderr,
      /^Cannot resume as the folder must hold a run's script\.json: current value is /,
    );
  });

  it('draws on after a kept cell as it did after the cell', async () => {
    const notebookFile = workspace.writeNotebook('nb/draws.ipynb', [
      { id: 'a', tags: ['checkpoint'], source: 'const drawn = [Math.random(), Math.random()]' },
      { id: 'b', source: 'Math.random()' },
      { id: 'c', source: 'drawn' },
    ]);
    const file = workspace.path('draws.ts');
    const places = { notebookFile, scriptFile: file };
    const { text } = await exportNotebook(readNotebook(notebookFile), places);
    writeFileSync(file, text);
    const out = workspace.path('out', 'draws');
    const results = () => readFileSync(path.join(out, 'results.jsonl'), 'utf8');
    assert.equal(run(file, '--seed', '4', '--out', out).status, 0);
    const first = results();
    const again = run(file, '--resume', out);
    assert.match(again.stderr, /^\[a\] restored$/m);
    assert.equal(results(), first);
    // Kept without a generator's state, as by an earlier version.
    const kept = path.join(out, 'cells', 'a.bin');
    const content = deserialize(readFileSync(kept)) as { kept: { random?: number } };
    delete content.kept.random;
    writeFileSync(kept, serialize(content));
    assert.doesNotMatch(run(file, '--resume', out).stderr, /restored/);
    assert.equal(results(), first);
  });

  it('refuses to keep what would not be the same when read again', async () => {
    const notebookFile = workspace.writeNotebook('nb/class.ipynb', [
      { id: 'a', tags: ['checkpoint'], source: 'const made = new (class Made {})()' },
      { id: 'b', source: 'console.log(made)' },
    ]);
    const file = workspace.path('class.ts');
    const { text } = await exportNotebook(readNotebook(notebookFile), {
      notebookFile,
      scriptFile: file,
    });
    writeFileSync(file, text);
    const { status, stderr } = run(file, '--out', workspace.path('out', 'class'));
    assert.equal(status, 1);
    assert.match(
      stderr,
      /Cannot keep "made" of cell \[a\], tagged checkpoint, as it must be plain data .*: current value is a Made$/m,
    );
  });

  const refused: [string, AwkwardNotebook['cells'], RegExp][] = [
    [
      "assigns another cell's variable",
      [
        { id: 'a', source: 'let n = 1' },
        { id: 'b', tags: ['checkpoint'], source: '\nn += 1' },
      ],
      /^Cannot export cell 2 \[b\], line 2, as a cell tagged checkpoint must not assign other cells' variables: current value is n$/,
    ],
    [
      'declares a function that others use',
      [
        { id: 'a', tags: ['checkpoint'], source: 'function f() {}' },
        { id: 'b', source: 'f()' },
      ],
      /^Cannot export cell 1 \[a\], line 1, as a cell tagged checkpoint hands on values only/,
    ],
  ];
  for (const [what, list, message] of refused) {
    it(`exportNotebook() refuses a cell tagged checkpoint that ${what}`, async () => {
      const notebookFile = workspace.writeNotebook('nb/refused.ipynb', list);
      await assert.rejects(
        exportNotebook(readNotebook(notebookFile), {
          notebookFile,
          scriptFile: workspace.path('r.ts'),
        }),
        ({ message: text }: Error) => message.test(text),
      );
    });
  }
});
