import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as prettier from 'prettier';
import { exportNotebook } from '../../../kernel-extensions/src/export/export-notebook';
import { exportScript } from '../../../kernel-extensions/src/export/export-script';
import { isModuleFile } from '../../../kernel-extensions/src/export/module-kind';
import { relocation } from '../../../kernel-extensions/src/export/relocate-module';
import { inFolder } from '../../sdk/training/run/small-runs';
import { awkwardNotebooks, type AwkwardNotebook } from './awkward-notebooks';
import { notebookOf } from '../notebook-of';

type Cells = AwkwardNotebook['cells'];

const places = { notebookFile: '/clone/notebooks/n.ipynb', scriptFile: '/clone/recipe.ts' };

async function exported(cells: Cells, options: object = {}): Promise<string> {
  return (await exportNotebook(notebookOf(cells), { ...places, ...options })).text;
}

/** What stands between the opening of `main` and its end, without the calls that begin cells. */
async function body(...sources: string[]): Promise<string> {
  const text = await exported(sources.map((source, index) => ({ id: `c${index}`, source })));
  const lines = text.slice(text.indexOf('{\n  //') + 2, text.lastIndexOf('\n}\n')).split('\n');
  return lines
    .filter((line) => !/^ {2}(await cell\(|\/\/ %%)|^$/.test(line))
    .map((line) => line.slice(2))
    .join('\n');
}

describe('exportNotebook()', () => {
  it('writes a script that a person could have written', async () => {
    const text = await exported([
      { id: 'title', type: 'markdown', source: '# A title\n\nSome *text*.' },
      {
        id: 'settings',
        tags: ['parameters'],
        source:
          "const steps: number = 40; // training iterations\nconst sdeType: 'sde' | 'cps' = 'sde'",
      },
      {
        id: 'load',
        source:
          "import { readFileSync } from 'node:fs'\nimport { tool } from '../tools/tool'\n\nconst rows = tool(readFileSync('data.txt'))",
      },
      { id: 'why', type: 'markdown', source: 'Look at `rows`.' },
      { id: 'look', source: 'for (const row of rows) console.log(row, steps)\nrows.length' },
    ]);
    assert.equal(
      text,
      `// Exported from n.ipynb by \`flowbook export\`.
// Its flags: node --import tsx recipe.ts --help

import { readFileSync } from 'node:fs';
import { tool } from './tools/tool';
import { flag, runScript, type FlagValues, type ScriptCell } from '@flowbook/kernel-extensions';

// %% [title] markdown
// # A title
//
// Some *text*.

// %% [settings] parameters
const flags = {
  steps: flag.number(40, 'training iterations'),
  sdeType: flag.choice(['sde', 'cps'], 'sde'),
};

async function main(cell: ScriptCell, { steps }: FlagValues<typeof flags>): Promise<void> {
  // %% [load]
  await cell('load');
  const rows = tool(readFileSync('data.txt'));

  // %% [why] markdown
  // Look at \`rows\`.

  // %% [look]
  await cell('look');
  for (const row of rows) console.log(row, steps);
  cell.result(rows.length);
}

runScript({ file: __filename, notebook: 'notebooks/n.ipynb', flags, main });
`,
    );
  });

  for (const { name, cells } of awkwardNotebooks) {
    it(`keeps every cell of "${name}" in its order, formatted, the same each time`, async () => {
      const text = await exported(cells);
      assert.equal(await exported(cells), text);
      const style = { printWidth: 100, singleQuote: true, trailingComma: 'all' as const };
      assert.equal(await prettier.format(text, { ...style, filepath: places.scriptFile }), text);
      const kept = cells.filter(({ tags }) => !tags?.includes('no-export')).map(({ id }) => id);
      const markers = [...text.matchAll(/^ *\/\/ %% \[([a-z\d-]+)\](?! not)/gm)].map(
        ([, id]) => id,
      );
      assert.deepEqual(
        markers.filter((id) => id !== 'inside'),
        kept,
      );
    });
  }

  it('renames what a later cell declares again, and every use of it', async () => {
    assert.equal(
      await body(
        'const w = 1;',
        'const w = 2; const o = { w };',
        'const { w = 3 } = o; console.log(w, o.w);',
      ),
      'const w = 1;\nconst w2 = 2;\nconst o = { w: w2 };\nconst { w: w3 = 3 } = o;\nconsole.log(w3, o.w);',
    );
  });

  it('keeps a global for the cells above one that declares its name', async () => {
    assert.equal(
      await body(
        'console.log(performance.now());',
        'const performance = 1; console.log(performance);',
      ),
      'console.log(performance.now());\nconst performance2 = 1;\nconsole.log(performance2);',
    );
  });

  it('keeps the declared type of a variable that only functions assign', async () => {
    assert.equal(
      await body(
        'let best: string | null = null; let done = false; let n: number;',
        'const set = () => { best = "x"; done = true; n = 1; };',
      ),
      "let best = null as string | null;\nlet done = false as boolean;\nlet n!: number;\nconst set = () => {\n  best = 'x';\n  done = true;\n  n = 1;\n};",
    );
  });

  it('leaves paths from the root as they are, for scripts that are taken elsewhere', async () => {
    const text = await exported([
      {
        id: 'a',
        source:
          "import { a } from '/shared/lib.ts'\nimport { b } from 'file:///shared/b.js'\na(b, require('/shared/c'))",
      },
    ]);
    assert.match(text, /\nimport \{ a \} from '\/shared\/lib\.ts';\n/);
    assert.match(text, /\nimport \{ b \} from '\/shared\/b\.js';\n/);
    assert.match(text, /require\('\/shared\/c'\)/);
  });

  it('gathers imports by module and leaves out names that no cell uses', async () => {
    const text = await exported([
      {
        id: 'a',
        source: "import fs, { readFileSync, writeFileSync } from 'node:fs'\nfs; readFileSync",
      },
      {
        id: 'b',
        source:
          "import { readFileSync, type Stats } from 'node:fs'\nimport * as all from 'node:fs'\nlet s: Stats | undefined = all.statSync(readFileSync('x'))",
      },
    ]);
    assert.match(
      text,
      /\nimport \* as all from 'node:fs';\nimport fs, \{ readFileSync, type Stats \} from 'node:fs';\n/,
    );
  });

  it('writes an ES module for .mts, with endings on relative imports', async () => {
    const text = await exported(
      [{ id: 'a', source: "const fs = require('node:fs')\nfs.existsSync('x')" }],
      {
        scriptFile: '/clone/recipe.mts',
      },
    );
    assert.match(text, /import \{ createRequire \} from 'node:module';/);
    assert.match(text, /const require = createRequire\(import\.meta\.url\);/);
    assert.match(text, /runScript\(\{ file: import\.meta\.url, /);
  });

  it('says which declarations of the parameters cell are no flags', async () => {
    const cells: Cells = [
      { id: 'p', tags: ['parameters'], source: 'const a = 1;\nconst b = { c: a };' },
      { id: 'q', source: 'b.c' },
    ];
    const { text, warnings } = await exportNotebook(notebookOf(cells), places);
    assert.deepEqual(warnings, [
      'FB201: cell 1 [p]: "b" is no flag, as its type or value is none that a flag can have',
    ]);
    assert.match(
      text,
      /\/\/ The flags of cell \[p\]\nconst flags = \{\n {2}a: flag\.number\(1\),\n\};/,
    );
    assert.match(
      text,
      /\{ a \}: FlagValues<typeof flags>\): Promise<void> \{\n {2}\/\/ %% \[p\] parameters\n {2}await cell\('p'\);\n {2}const b = \{ c: a \};/,
    );
  });

  it('says where a function would see a name that a later cell declares again', async () => {
    const cells: Cells = [
      { id: 'a', source: 'let lr = 1' },
      { id: 'b', source: 'function g() { return lr }' },
      { id: 'c', source: 'let lr = 2' },
    ];
    const { warnings } = await exportNotebook(notebookOf(cells), places);
    assert.deepEqual(warnings, [
      'FB202: cell 3 [c]: it declares "lr" again, which a function in cell 2 [b] uses: the kernel gives it the new one, the script the old one',
    ]);
  });

  const refused: [string, Cells, RegExp][] = [
    [
      'a magic, by its name',
      [{ id: 'a', source: '1\n%pip install x' }],
      /^NotebookCodeError: Cannot export cell 1 \[a\], line 2, as magics are not TypeScript: current value is %pip install x$/,
    ],
    [
      'code that does not parse',
      [{ id: 'a', source: 'const = 1' }],
      /Cannot export cell 1 \[a\], line 1, as it must be TypeScript: /,
    ],
    [
      "a use of a no-export cell's name",
      [
        { id: 'a', tags: ['no-export'], source: 'const x = 1' },
        { id: 'b', source: '\nx' },
      ],
      /Cannot export cell 2 \[b\], line 2, as its name comes from "a", a cell tagged no-export: current value is x$/,
    ],
    [
      'a namespace',
      [{ id: 'a', source: 'namespace N { export const x = 1 }' }],
      /as a namespace cannot stand in a function: /,
    ],
    [
      'a flag with the name of an own flag',
      [{ id: 'a', tags: ['parameters'], source: 'const out = "x"' }],
      /as a script has flags of its own, --help, --out, --params, --resume, --json, --dry-run: current value is out$/,
    ],
    [
      'a flag that would be lost in a table',
      [{ id: 'a', tags: ['parameters'], source: 'const __proto__ = 3' }],
      /^NotebookCodeError: Cannot export cell 1 \[a\] as a flag must have another name than what tables inherit by: current value is __proto__$/,
    ],
    [
      'a class that is nothing but exported',
      [
        { id: 'a', source: '1' },
        { id: 'b', source: '\nexport default class {}' },
      ],
      /^NotebookCodeError: Cannot export cell 2 \[b\], line 2, as a script exports nothing, and what it declares must have a name: current value is export default class \{\}$/,
    ],
    [
      'what may only begin a file',
      [
        { id: 'a', source: '1' },
        { id: 'b', source: '#!/usr/bin/env node\n2' },
        { id: 'c', source: '3' },
      ],
      /^NotebookCodeError: Cannot export cell 2 \[b\] as a script must be able to hold it: '#!' can only be used at the start of a file\.$/,
    ],
    [
      'what no parser but the compiler takes',
      [
        { id: 'a', source: '1' },
        { id: 'b', source: 'async class A {}' },
      ],
      /^NotebookCodeError: Cannot export cell 2 \[b\] as a script must be able to hold it: 'async' modifier cannot be used here\.$/,
    ],
    [
      'two cells of parameters',
      [
        { id: 'a', tags: ['parameters'], source: '' },
        { id: 'b', tags: ['parameters'], source: '' },
      ],
      /as one cell may be tagged "parameters": current value is \[a\], \[b\]$/,
    ],
  ];
  for (const [what, cells, message] of refused) {
    it(`refuses ${what}`, async () => {
      await assert.rejects(exported(cells), message);
    });
  }

  it('refuses a notebook of another language', async () => {
    const notebook = { ...notebookOf([]), metadata: { language_info: { name: 'python' } } };
    await assert.rejects(
      exportNotebook(notebook, places),
      /as its language must be typescript or javascript: current value is python$/,
    );
  });

  it('relocation() gives every path of a file its dots, also into a folder that is hidden', () => {
    const relocate = relocation('/clone', '/clone');
    assert.equal(relocate('./.lib/helpers', 'require'), './.lib/helpers');
    assert.equal(relocate('../.lib/helpers', 'require'), '../.lib/helpers');
    assert.equal(relocation('/clone', '/clone/nb')('./.lib/helpers', 'require'), '../.lib/helpers');
  });

  it('isModuleFile() takes a broken package.json for one that says nothing', () =>
    inFolder(async (folder) => {
      const manifest = join(folder, 'package.json');
      writeFileSync(manifest, '{"type": "module"}');
      assert.equal(isModuleFile(join(folder, 'a.ts')), true);
      assert.equal(isModuleFile(join(folder, 'a.cts')), false);
      writeFileSync(manifest, '{"type": "module"');
      assert.equal(isModuleFile(join(folder, 'a.ts')), false);
      assert.equal(isModuleFile(join(folder, 'a.mts')), true);
    }));

  it('exportScript() leaves calls alone whose value is void', async () => {
    const notebook = notebookOf([
      { id: 'a', source: 'const nothing = async () => {}\nawait nothing()' },
      { id: 'b', source: '[1, 2].map((n) => n)' },
    ]);
    const { text, warnings } = await exportScript(
      notebook,
      '/tmp/n.ipynb',
      `${process.cwd()}/recipe.ts`,
      true,
    );
    assert.match(text, /\n {2}await nothing\(\);\n/);
    assert.match(text, /cell\.result\(\[1, 2\]\.map\(\(n\) => n\)\);/);
    assert.deepEqual(warnings, []);
  });
});
