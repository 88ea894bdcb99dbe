import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import * as path from 'node:path';
import * as fc from 'fast-check';
import { type Notebook, readNotebook } from '@flowbook/kernel-extensions';
import { exportNotebook } from '../../../kernel-extensions/src/export/export-notebook';
import { importScript } from '../../../kernel-extensions/src/export/import-script';
import { isLong, runResumably } from '../../long-run';
import { awkwardNotebooks } from './awkward-notebooks';
import { notebookOf } from '../notebook-of';

const root = path.resolve(__dirname, '../../..');
const places = {
  notebookFile: path.join(root, 'notebooks', 'n.ipynb'),
  scriptFile: path.join(root, 'n.ts'),
};

const exported = async (notebook: Notebook): Promise<string> =>
  (await exportNotebook(notebook, places)).text;

const imported = (text: string, original?: Notebook): Promise<Notebook> =>
  importScript(text, places.scriptFile, places.notebookFile, original);

async function holdRoundTrips(notebook: Notebook): Promise<void> {
  const text = await exported(notebook);
  assert.deepEqual(await imported(text, notebook), notebook);
  assert.equal(await exported(await imported(text)), text);
}

const small = notebookOf([
  { id: 'title', type: 'markdown', source: '# Title' },
  {
    id: 'settings',
    tags: ['parameters'],
    source: "const steps: number = 4; // how many\nconst mode: 'a' | 'b' = 'a';",
  },
  { id: 'load', source: "import { join } from 'node:path'\nconst place = join('a', mode)" },
  { id: 'own', tags: ['no-export'], source: 'console.log(1)' },
  { id: 'look', source: 'place.length + steps' },
]);

describe('importScript()', function () {
  this.timeout(600_000);

  for (const name of readdirSync(path.join(root, 'notebooks')).filter((one) =>
    one.endsWith('.ipynb'),
  )) {
    it(`brings ${name} back as it was, and its script without it`, async () => {
      await holdRoundTrips(readNotebook(path.join(root, 'notebooks', name)));
    });
  }

  it('brings cells back that stand in a block of their own, as they use resources', async () => {
    const { cells } = awkwardNotebooks.find(({ name }) => name === 'resources')!;
    await holdRoundTrips(notebookOf(cells));
  });

  it('takes no line of a text for the marker of a cell', async () => {
    const source =
      'The flags of cell [look]\n%% [look]\ngraph\n%%{init}%%\n\\%% [a] markdown\n    %% [b]';
    await holdRoundTrips(
      notebookOf([
        { id: 'title', type: 'markdown', source },
        { id: 'set', tags: ['parameters'], source: 'const steps: number = 4;' },
        { id: 'look', source: "console.log('a', steps)" },
        { id: 'end', type: 'markdown', source },
      ]),
    );
  });

  it('changes the edited cells alone', async () => {
    const text = (await exported(small))
      .replace('place.length + steps', 'place.length * basename(place).length')
      .replace('flag.number(4,', 'flag.number(9,')
      .replace('import { join }', 'import { basename, join }')
      .replace('# Title', '# Another');
    const { cells } = await imported(text, small);
    assert.deepEqual(
      cells.map(({ source }) => source),
      [
        '# Another',
        "const steps: number = 9; // how many\nconst mode: 'a' | 'b' = 'a';",
        "import { basename } from 'node:path';\n\nimport { join } from 'node:path'\nconst place = join('a', mode)",
        'console.log(1)',
        'place.length * basename(place).length;',
      ],
    );
    assert.equal(cells[3], small.cells[3]);
  });

  it('adds the names alone that are new to imports of every form', async () => {
    const notebook = notebookOf([
      {
        id: 'a',
        source:
          "import fs, { readFileSync, statSync } from 'node:fs'\nimport * as path from 'node:path'\nconsole.log(fs.readFileSync, readFileSync, path.sep)",
      },
      { id: 'b', source: 'console.log(1)' },
    ]);
    const text = (await exported(notebook))
      .replace('{ readFileSync }', '{ existsSync, readFileSync, statSync }')
      .replace("import * as path from 'node:path'", "import posix, * as path from 'node:path'")
      .replace('console.log(1)', 'console.log(existsSync, statSync, posix)');
    const { cells } = await imported(text, notebook);
    assert.equal(
      cells[0].source,
      `import { existsSync } from 'node:fs';\nimport posix from 'node:path';\n\n${notebook.cells[0].source}`,
    );
  });

  it('writes no second import of a name that became a type alone, or a value', async () => {
    const code = 'console.log(null as Stats | PathLike | null)';
    const of = (line: string) => notebookOf([{ id: 'a', source: `${line}\n${code}` }]);
    const value = of("import { PathLike, Stats } from 'node:fs'");
    const type = of("import type { PathLike, Stats } from 'node:fs'");
    const imports = /import .*node:fs.*/;
    const became = async (notebook: Notebook, line: string) => {
      const text = (await exported(notebook)).replace(imports, line);
      return (await imported(text, notebook)).cells[0].source;
    };
    const types = "import type { PathLike, Stats } from 'node:fs';";
    assert.equal(await became(value, types), value.cells[0].source);
    assert.equal(
      await became(type, "import { type PathLike, Stats } from 'node:fs';"),
      `import { Stats } from 'node:fs';\n\nimport type { PathLike } from 'node:fs';\n${code}`,
    );
    const both = "import { PathLike, Stats } from 'node:fs';";
    assert.equal(await became(type, both), `${both}\n\n${code}`);
  });

  it('refuses a script whose cells are none of the notebook', async () => {
    const cells = [
      { id: 'mine', cell_type: 'code' as const, metadata: {}, source: 'const a = 1;' },
    ];
    await assert.rejects(
      importScript('// %%\nconst b = 2;\n', 'a.ts', 'a.ipynb', { metadata: {}, cells }),
      /Cannot import a\.ts onto a\.ipynb as cells are told apart by their ids/,
    );
  });

  it('brings generated notebooks back', async () => {
    const code = fc.constantFrom(
      (n: number) => `const v${n} = ${n};\nv${n} + 1`,
      (n: number) => `import { join as j${n} } from 'node:path';\nj${n}('a', 'b')`,
      (n: number) => `function f${n}() {\n  return \`a\n  b\`;\n}`,
      (n: number) => `({ a: ${n} })`,
      () => '// only a comment',
      () => '',
      (n: number) => `for (let i = 0; i < ${n}; i++) {\n  console.log(i);\n}`,
      (n: number) => `await Promise.resolve(${n})`,
    );
    const cell = fc.oneof(
      code.map((make) => ({ make, type: undefined })),
      fc
        .stringMatching(/^[#*a-z][ -~]{0,30}[a-z](\n\n- [ -~]{1,20}[a-z])?$/)
        .map((text) => ({ make: () => text, type: 'markdown' as const })),
    );
    const notebook = fc
      .record({ cells: fc.array(cell, { minLength: 1, maxLength: 8 }), flags: fc.boolean() })
      .map(({ cells, flags }) => {
        const own = cells.map(({ make, type }, n) => ({ id: `c${n}`, type, source: make(n) }));
        const settings = {
          id: 'p',
          tags: ['parameters'],
          source: 'const lr: number = 0.1; // rate',
        };
        return notebookOf(flags ? [settings, ...own] : own);
      });
    const drawn = fc.sample(notebook, { seed: 9, numRuns: isLong ? 200 : 25 });
    const ids = drawn.map((_, at) => `notebook-${at}`);
    const results = await runResumably('notebook-round-trips', ids, async (id) => {
      await holdRoundTrips(drawn[ids.indexOf(id)]);
      return 'the same';
    });
    assert.equal(Object.keys(results).length, ids.length);
  });

  it("reads jupytext's ts:percent", async () => {
    const text =
      '// ---\n// jupyter: {}\n// ---\n\n// %% [markdown]\n// # Title\n// \\%%\n\n// %% tags=["parameters"] id="p"\nconst a = 1;\n\n// %%\na + 1\n';
    const notebook = await imported(text);
    assert.deepEqual(
      notebook.cells.map(({ id, cell_type, source, metadata }) => [
        id,
        cell_type,
        source,
        metadata,
      ]),
      [
        ['cell-1', 'markdown', '# Title\n\\%%', {}],
        ['p', 'code', 'const a = 1;', { tags: ['parameters'] }],
        ['cell-3', 'code', 'a + 1', {}],
      ],
    );
    assert.deepEqual(await imported(text, notebook), notebook);
    await assert.rejects(imported('const a = 1;\n'), /must begin with \/\/ %%/);
  });
});
