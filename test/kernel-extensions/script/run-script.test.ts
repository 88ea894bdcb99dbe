import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { readNotebook } from '@flowbook/kernel-extensions';
import ts from 'typescript';
import { exportNotebook } from '../../../kernel-extensions/src/export/export-notebook';
import { isExported } from '../../../kernel-extensions/src/script/exported-script';
import { importScript } from '../../../kernel-extensions/src/export/import-script';
import { makeRunDirectory } from '../../../kernel-extensions/src/run-folder/run-directory';
import { awkwardNotebooks, type AwkwardNotebook } from '../export/awkward-notebooks';
import { Workspace } from '../notebook-of';

const root = path.resolve(__dirname, '../../..');
const tsx = createRequire(__filename).resolve('tsx');

function run(script: string, ...flags: string[]) {
  return runIn(root, script, ...flags);
}

function runIn(cwd: string, script: string, ...flags: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', tsx, script, ...flags],
    {
      encoding: 'utf8',
      cwd,
    },
  );
  return { status, stdout, stderr };
}

async function exportTo(notebookFile: string, scriptFile: string): Promise<string> {
  const { text } = await exportNotebook(readNotebook(notebookFile), { notebookFile, scriptFile });
  writeFileSync(scriptFile, text);
  return scriptFile;
}

describe('runScript()', () => {
  const workspace = new Workspace();
  const scripts = new Map<string, string>();
  let example: string;
  const exampleCells: AwkwardNotebook['cells'] = [
    {
      id: 'settings',
      tags: ['parameters'],
      source:
        "const steps: number = 40; // training iterations\nconst mode: 'sde' | 'cps' = 'sde';\nlet loud = false;\nconst rates: number[] = [1e-4];",
    },
    {
      id: 'tools',
      source:
        'function deep(n: number): number {\n\n  if (n > 3) { throw new Error("too deep") }\n  return deep(n + 1)\n}',
    },
    {
      id: 'use',
      source:
        "import { display } from '@flowbook/kernel-extensions'\nimport { readFileSync } from 'node:fs'\nconsole.log(steps, mode, loud, rates, readFileSync('../data.txt', 'utf8').trim())\nconsole.error('to stderr')\ndisplay({ 'text/plain': 'hello', 'text/html': '<b>hello</b>' }, { name: 'greeting' })",
    },
    {
      id: 'fail',
      source:
        "// several ways to fail\nif (steps === 1)\n  deep(0)\nif (steps === 2) throw 'a text'\nif (steps === 3) {\n  const { readFile } = await import('node:fs/promises')\n\n  await readFile('/none')\n}\nif (steps === 4) setInterval(() => {}, 1000)\nif (steps === 5) { console.log('waiting'); await new Promise((resolve) => setTimeout(resolve, 60_000)) }",
    },
    {
      id: 'end',
      source: '({ total: steps * 0.1, run: process.env.FLOWBOOK_RUN_DIR!.length > 0 })',
    },
  ];

  before(async () => {
    workspace.write('data.txt', 'data\n');
    for (const { name, cells, files } of awkwardNotebooks) {
      for (const [file, text] of Object.entries(files ?? {})) workspace.write(`nb/${file}`, text);
      const notebook = workspace.writeNotebook(`nb/${name}.ipynb`, cells);
      scripts.set(name, await exportTo(notebook, workspace.path(`${name}.ts`)));
    }
    const notebook = workspace.writeNotebook('nb/example.ipynb', exampleCells);
    example = await exportTo(notebook, workspace.path('example.ts'));
  });

  after(() => workspace.remove());

  it('takes scripts that type-check under strict', () => {
    const { config } = ts.readConfigFile(path.join(root, 'tsconfig.json'), ts.sys.readFile);
    const files = [...scripts.values(), example];
    const { options } = ts.parseJsonConfigFileContent(
      { ...config, files, include: [] },
      ts.sys,
      root,
    );
    const program = ts.createProgram(files, { ...options, noUnusedLocals: false });
    const problems = files.flatMap((file) => [
      ...program.getSemanticDiagnostics(program.getSourceFile(file)),
    ]);
    assert.deepEqual(
      problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')),
      [],
    );
    assert.equal(options.strict, true);
  });

  for (const { name, stdout } of awkwardNotebooks) {
    it(`prints for "${name}" what its cells print, and nothing else`, () => {
      const result = run(scripts.get(name)!, '--out', workspace.path('out', name));
      assert.equal(result.stdout, `${stdout.join('\n')}\n`, result.stderr);
      assert.equal(result.status, 0, result.stderr);
    });
  }

  it('prints the same from an ES module and from any folder, by the built package', async () => {
    const { name, stdout } = awkwardNotebooks[0];
    const script = await exportTo(
      workspace.path('nb', `${name}.ipynb`),
      workspace.path(`${name}.mts`),
    );
    const result = runIn(tmpdir(), script, '--out', workspace.path('out', 'module'));
    assert.equal(result.stdout, `${stdout.join('\n')}\n`, result.stderr);
  });

  it("writes displays, last values and the trainer's folder below --out, and runs in the notebook's folder", () => {
    const out = workspace.path('out', 'example');
    const flags = ['--steps', '4', '--mode', 'cps', '--loud', '--rates', '1,-2e-3', '--out', out];
    const { status, stdout, stderr } = run(example, ...flags);
    assert.equal(stdout, '4 cps true [ 1, -0.002 ] data\n');
    assert.match(stderr, /^Writing to .*example\nto stderr\n\[use\] [\d.]+ s\n/);
    assert.equal(status, 0);
    assert.deepEqual(readdirSync(out).sort(), [
      '01-greeting.html',
      '01-greeting.txt',
      'index.html',
      'printed.jsonl',
      'progress.jsonl',
      'results.jsonl',
      'script.json',
    ]);
    const results = readFileSync(path.join(out, 'results.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(results.at(-1), { cell: 'end', text: '{ total: 0.4, run: true }' });
  });

  it('takes a flag of every kind, and gives its default where it is not there', async () => {
    const source = [
      'const number: number = 1',
      'const numberOrNull: number | null = null',
      "const string: string = 'a'",
      'const stringOrNull: string | null = null',
      'const boolean: boolean = false',
      'const booleanOrNull: boolean | null = null',
      'const numbers: number[] = [1]',
      'const numbersOrNull: number[] | null = null',
      "const strings: string[] = ['a']",
      'const stringsOrNull: string[] | null = null',
      'const tuple: [number, number] = [1, 2]',
      'const tupleOrNull: [number, number] | null = null // first and last',
      'const bothOrNull: [number, number] | null = [1, 2]',
      "const choice: 'a' | 'b' = 'a'",
    ];
    const names = source.map((line) => /^const (\w+)/.exec(line)![1]);
    const notebook = workspace.writeNotebook('nb/kinds.ipynb', [
      { id: 'p', tags: ['parameters'], source: source.join('\n') },
      { id: 'a', source: `console.log(JSON.stringify([${names.join(', ')}]))` },
    ]);
    const script = await exportTo(notebook, workspace.path('kinds.ts'));
    const values = (...flags: string[]): unknown => {
      const { stdout, stderr } = run(script, ...flags, '--out', workspace.path('out', 'kinds'));
      assert.notEqual(stdout, '', stderr);
      return JSON.parse(stdout);
    };
    assert.deepEqual(values(), [
      1,
      null,
      'a',
      null,
      false,
      null,
      [1],
      null,
      ['a'],
      null,
      [1, 2],
      null,
      [1, 2],
      'a',
    ]);
    const given = ['2', '3', 'b', 'c', 'true', 'true', '2,3', '4', 'b,c', 'd', '3,4', '5,6'];
    const flags = [...given, 'null', 'b'].map((value, at) => `--${names[at]}=${value}`);
    assert.deepEqual(values(...flags), [
      2,
      3,
      'b',
      'c',
      true,
      true,
      [2, 3],
      [4],
      ['b', 'c'],
      ['d'],
      [3, 4],
      [5, 6],
      null,
      'b',
    ]);
    assert.deepEqual(values('--booleanOrNull=null'), values());
    const { status, stderr } = run(script, '--tupleOrNull=1');
    assert.equal(status, 2);
    assert.match(stderr, /It must be 2 numbers with commas between them\./);
    assert.deepEqual(
      (await importScript(readFileSync(script, 'utf8'), script, notebook)).cells[0].source,
      source
        .map((line) => (line.includes('//') ? line.replace(' //', '; //') : `${line};`))
        .join('\n'),
    );
  });

  it('is known by its second line, which named npx tsx before', () => {
    const text = readFileSync(example, 'utf8');
    const before = text.replace('// Its flags: node --import tsx ', '// Its flags: npx tsx ');
    assert.notEqual(before, text);
    assert.equal(isExported(workspace.write('before.ts', before)), true);
    assert.equal(isExported(example), true);
    assert.equal(isExported(workspace.write('other.ts', 'console.log(1)')), false);
  });

  it('names the line of a cell that stands in a block of its own', async () => {
    const notebook = workspace.writeNotebook('nb/closes.ipynb', [
      {
        id: 'a',
        source: 'using file = { [Symbol.dispose]() {} }\nvoid file\nthrow new Error("here")',
      },
    ]);
    const script = await exportTo(notebook, workspace.path('closes.ts'));
    const { stderr } = run(script, '--out', workspace.path('out', 'closes'));
    assert.match(stderr, /^Error in cell 1 \[a\], line 3 of closes\.ipynb \(.*\): Error: here$/m);
  });

  it('fails where a cell would end the process, as the kernel does', async () => {
    const notebook = workspace.writeNotebook('nb/exits.ipynb', [
      { id: 'a', source: 'console.log("one"); process.exit(0)' },
      { id: 'b', source: 'console.log("two")' },
    ]);
    const script = await exportTo(notebook, workspace.path('exits.ts'));
    const out = workspace.path('out', 'exits');
    const { status, stdout, stderr } = run(script, '--out', out);
    assert.deepEqual([status, stdout], [1, 'one\n']);
    assert.match(
      stderr,
      /^Error in cell 1 \[a\], line 1 of exits\.ipynb \(.*\): Error: Cannot exit from a cell as the cells below it must run: process\.exit\(0\) was called; throw an error to end the run$/m,
    );
    assert.equal(JSON.parse(readFileSync(path.join(out, 'script.json'), 'utf8')).state, 'failed');
  });

  it('gives each of the runs that begin in one second a folder of its own', async () => {
    const notebook = workspace.writeNotebook('nb/which.ipynb', [
      { id: 'p', tags: ['parameters'], source: 'const which: number = 0;' },
      { id: 'a', source: 'which' },
    ]);
    const script = await exportTo(notebook, workspace.path('which.ts'));
    const folder = path.dirname(workspace.write('many/package.json', '{}'));
    await Promise.all(
      ['1', '2', '3'].map((which) => {
        const flags = ['--import', tsx, script, '--which', which];
        const child = spawn(process.execPath, flags, { cwd: folder, stdio: 'ignore' });
        return new Promise((resolve) => child.once('exit', resolve));
      }),
    );
    const results = readdirSync(path.join(folder, 'runs')).map((name) =>
      readFileSync(path.join(folder, 'runs', name, 'results.jsonl'), 'utf8'),
    );
    assert.deepEqual(
      results.sort(),
      [1, 2, 3].map((which) => `{"cell":"a","text":"${which}"}\n`),
    );
  });

  it('makes a default folder with a number behind its name where it is there, and takes a given one as it is', () => {
    const directory = workspace.path('folders', '20261130-082617-par');
    const made = [true, true, true, false].map((isDefault) =>
      makeRunDirectory({ directory, isDefault }),
    );
    assert.deepEqual(made, [directory, `${directory}~2`, `${directory}~3`, directory]);
  });

  it('explains its flags by --help, with exit code 0', () => {
    const { status, stdout } = run(example, '--help');
    assert.equal(status, 0);
    for (const line of [
      /--steps <number> +training iterations \(default: 40\)/,
      /--mode <sde\|cps> +\(default: sde\)/,
      /--no-loud/,
      /--rates <number,\.\.\.> +\(default: 0\.0001\)/,
      /--out <folder>/,
    ]) {
      assert.match(stdout, line);
    }
  });

  const wrongUse: [string[], RegExp][] = [
    [['--steps', 'x'], /option '--steps <number>' argument 'x' is invalid\. It must be a number\./],
    [['--mode', 'ode'], /It must be one of "sde", "cps"\./],
    [['--stepz', '2'], /unknown option '--stepz'/],
  ];
  for (const [flags, message] of wrongUse) {
    it(`exits with 2 for ${flags.join(' ')}`, () => {
      const { status, stdout, stderr } = run(example, ...flags);
      assert.equal(status, 2);
      assert.equal(stdout, '');
      assert.match(stderr, message);
    });
  }

  const failures: [string, number, RegExp][] = [
    [
      'an error in a function of another cell',
      1,
      /^Error in cell 4 \[fail\], line 3 of example\.ipynb \(example\.ts:\d+\): Error: too deep$/m,
    ],
    ['a text that is thrown', 2, /^Error in cell 4 \[fail\] of example\.ipynb: 'a text'$/m],
    [
      'a rejected promise of Node',
      3,
      /^Error in cell 4 \[fail\], line 8 of example\.ipynb \(example\.ts:\d+\): Error: ENOENT/m,
    ],
  ];
  for (const [what, steps, message] of failures) {
    it(`exits with 1 for ${what}, and names its cell and line`, () => {
      const { status, stderr } = run(
        example,
        '--steps',
        String(steps),
        '--out',
        workspace.path('out', 'failed'),
      );
      assert.equal(status, 1);
      assert.match(stderr, message);
    });
  }

  it('names the cell alone when the notebook is gone', async () => {
    const notebook = workspace.writeNotebook('gone/gone.ipynb', exampleCells);
    const script = await exportTo(notebook, workspace.path('gone.ts'));
    renameSync(notebook, workspace.path('moved.ipynb'));
    const { status, stderr } = run(script, '--steps', '1', '--out', workspace.path('out', 'gone'));
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^Error in cell \[fail\] of gone\.ipynb \(gone\.ts:\d+\): Error: too deep$/m,
    );
  });

  it("exits with 2 and says why when the notebook's folder is not where it was", async () => {
    const script = await exportTo(
      workspace.path('nb', 'example.ipynb'),
      workspace.path('nb', 'inside.ts'),
    );
    const moved = workspace.write(
      'elsewhere/inside.ts',
      readFileSync(script, 'utf8').replace("'example.ipynb'", "'../none/example.ipynb'"),
    );
    const { status, stderr } = run(moved);
    assert.equal(status, 2);
    assert.match(
      stderr,
      /^Cannot run inside\.ts as the folder of its notebook must exist: current value is .*none\n/,
    );
  });

  it('exits with 130 when it is interrupted', async () => {
    const child = spawn(
      process.execPath,
      ['--import', tsx, example, '--steps', '5', '--out', workspace.path('out', 'interrupted')],
      { cwd: root },
    );
    let printed = '';
    const code = await new Promise((resolve) => {
      child.stdout.on('data', (chunk) => {
        printed += chunk;
        if (printed.includes('waiting')) child.kill('SIGINT');
      });
      child.stderr.on('data', (chunk) => {
        if (String(chunk).includes('Interrupted')) child.kill('SIGINT');
      });
      child.once('exit', resolve);
    });
    assert.equal(code, 130);
    assert.equal(existsSync(workspace.path('out', 'interrupted', 'results.jsonl')), true);
  });
});
