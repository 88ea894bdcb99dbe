import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import * as path from 'node:path';
import type { Notebook } from '@flowbook/kernel-extensions';
import { exportNotebook } from '../../../kernel-extensions/src/export/export-notebook';
import { exportScript } from '../../../kernel-extensions/src/export/export-script';
import { findWarnings } from '../../../kernel-extensions/src/notebook/warnings/find-warnings';
import { warningCodes } from '../../../kernel-extensions/src/notebook/warnings/warning';
import { notebookOf } from '../notebook-of';

const root = path.resolve(__dirname, '../../..');
const pages = path.join(root, 'docs/warnings');
const door = "from '@flowbook/kernel-extensions'";

/** A notebook of the given cells, which ran as the counts say. */
function cells(sources: string[], counts: (number | null)[] = []): Notebook {
  const notebook = notebookOf(sources.map((source, at) => ({ id: `c${at + 1}`, source })));
  counts.forEach((count, at) => (notebook.cells[at].execution_count = count));
  return notebook;
}

/** Notebooks that get a warning, with its text after the code. */
const warned: [code: string, what: string, notebook: Notebook, text: string | string[]][] = [
  [
    'FB101',
    'a cell that ran before one above it',
    cells(['1', '2', '3'], [4, 2, 5]),
    'cell 2 [c2]: it ran as [2], before cell 1 [c1] above it, which ran as [4]',
  ],
  [
    'FB101',
    'a cell that has not run, above one that has',
    cells(['1', '2', '3'], [1, null, 3]),
    'cell 2 [c2]: it has not run, while cells below it have',
  ],
  [
    'FB101',
    'cells of two kernels',
    cells(['1', '2'], [1, 1]),
    'cell 2 [c2]: it ran as [1], before cell 1 [c1] above it, which ran as [1]',
  ],
  [
    'FB102',
    'a name of a later cell, once a cell, in functions too',
    cells([
      'const a = b + b\nconst f = () => g(b)',
      'const b = 1; function g(x: number) { return x }',
    ]),
    [
      'cell 1 [c1], line 1: "b" is used before cell 2 [c2] declares it',
      'cell 1 [c1], line 2: "g" is used before cell 2 [c2] declares it',
    ],
  ],
  [
    'FB103',
    'Math.random, called or handed on',
    cells(['const x = Math.random()\nconst f = Math.random']),
    [1, 2].map(
      (line) =>
        `cell 1 [c1], line ${line}: Math.random differs from run to run; a script takes --seed for it`,
    ),
  ],
  [
    'FB103',
    "tfjs's random tensors, however tfjs is imported",
    cells([
      "import * as tf from '@tensorflow/tfjs'\nimport { tf as other } from '@flowbook/sdk'\nimport { randomUniform as draw } from '@tensorflow/tfjs-core'",
      "tf.randomNormal([2], 0, 1, 'float32')\nother.dropout(x, 0.5)\ndraw([1])\ntf.initializers.heNormal({})",
      "const t = require('@tensorflow/tfjs-node-gpu')\nt.multinomial(x, 3)",
    ]),
    [
      'cell 2 [c2], line 1: tf.randomNormal differs from run to run, as it has no seed',
      'cell 2 [c2], line 2: other.dropout differs from run to run, as it has no seed',
      'cell 2 [c2], line 3: draw differs from run to run, as it has no seed',
      'cell 2 [c2], line 4: tf.initializers.heNormal differs from run to run, as it has no seed',
      'cell 3 [c3], line 2: t.multinomial differs from run to run, as it has no seed',
    ],
  ],
  [
    'FB103',
    'what the crypto module draws',
    cells(["import { randomInt } from 'node:crypto'\ncrypto.randomUUID()\nrandomInt(3)"]),
    [
      'cell 1 [c1], line 2: crypto.randomUUID differs from run to run, as it has no seed',
      'cell 1 [c1], line 3: randomInt differs from run to run, as it has no seed',
    ],
  ],
  [
    'FB104',
    'displays that nobody awaits, drawings that nobody shows',
    cells([
      `import { display as show, liveDisplay, sigmas } ${door}`,
      'const live = liveDisplay()\nfor (const x of [1]) { show(x) }\nlive.finish()\nsigmas(s)\n1',
    ]),
    [
      'cell 2 [c2], line 2: show() is not awaited',
      'cell 2 [c2], line 3: live.finish() is not awaited',
      'cell 2 [c2], line 4: sigmas() is not shown: hand it to display()',
    ],
  ],
];

/** Notebooks that look alike and are sound. */
const sound: [what: string, notebook: Notebook][] = [
  ['cells in order, some of them run again', cells(['1', '', '3', '4'], [2, null, 5, 6])],
  ['a notebook without outputs', cells(['1', '2'], [null, null])],
  ['cells below the last one that ran', cells(['1', '2'], [1, null])],
  [
    'globals that a later cell declares, types, and typeof',
    cells([
      'performance.now(); let x: Later; typeof late; const o = { late: 1 }; o.late; require',
      'const performance = 1; type Later = 1; const late = 1; const require = 2',
    ]),
  ],
  [
    'a name that an earlier cell and a later one declare',
    cells(['const a = 1', 'a', 'const a = 2']),
  ],
  [
    'a local variable by the name of a later one',
    cells(['for (const b of [1]) { b }\n((b: number) => b)(1)', 'const b = 1']),
  ],
  [
    'draws with a seed, and draws of others',
    cells([
      "import * as tf from '@tensorflow/tfjs'\nimport { randomNormal } from '@flowbook/sdk'",
      "tf.randomNormal([2], 0, 1, 'float32', 7); tf.dropout(x, 0.5, undefined, 1); tf.initializers.heNormal({ seed: 1 })",
      'randomNormal(key, [2]); tf.zeros([2]); tf.randomUniform(...given); { const Math = { random: () => 1 }; Math.random() }',
    ]),
  ],
  ['a Math of its own', cells(['const Math = { random: () => 1 }', 'Math.random()'])],
  [
    'displays that are awaited, handed on, meant, or the last expression',
    cells([
      `import { display, liveDisplay, sigmas } ${door}`,
      'await display(1)\nvoid display(2)\nconst d = display(3)\nconst live = liveDisplay()\nlive.update(1)\nawait live.finish()\nawait display(sigmas(s))\ndisplay(4)',
      'const display = (x: number) => x\ndisplay(1)\n2',
    ]),
  ],
];

describe('warnings of notebooks', () => {
  for (const [code, what, notebook, text] of warned) {
    const expected = [text].flat().map((one) => `${code}: ${one}`);

    it(`${code} is for ${what}`, () => assert.deepEqual(findWarnings(notebook), expected));
  }

  for (const [what, notebook] of sound) {
    it(`nothing is said of ${what}`, () => assert.deepEqual(findWarnings(notebook), []));
  }

  it('are silenced by metadata of the notebook or cell, and by a comment, each code alone', () => {
    const ignore = (codes: string[]) => ({ flowbook: { ignore: codes } });
    const draw = 'Math.random()\n1';
    const ofNotebook = { ...cells([draw]), metadata: ignore(['FB103']) };
    const ofCell = cells([draw, draw]);
    ofCell.cells[0].metadata = ignore(['FB101', 'FB103']);
    const commented = cells([`// flowbook-ignore FB104, FB103: a demonstration\n${draw}`]);
    const other = cells([`${draw} // flowbook-ignore FB101`]);
    assert.deepEqual(
      [ofNotebook, ofCell, commented, other].map((one) => findWarnings(one).length),
      [0, 1, 0, 1],
    );
  });

  it('judge a notebook with a cell that is no TypeScript by its order', () => {
    assert.deepEqual(findWarnings(cells(['%time', 'Math.random()'], [2, 1])), [
      'FB101: cell 2 [c2]: it ran as [1], before cell 1 [c1] above it, which ran as [2]',
    ]);
  });

  it('come with those of the script when it is exported', async () => {
    const notebook = notebookOf([
      { id: 'p', tags: ['parameters'], source: 'const f = () => 1, n = 2' },
      { id: 'a', source: 'Math.random(); const g = () => n' },
      { id: 'b', source: 'const n = 3; const t: string = n' },
      { id: 'c', source: "const u: number = 'x' // flowbook-ignore FB203" },
    ]);
    const notebookFile = path.join(root, 'notebooks/n.ipynb');
    const scriptFile = path.join(root, 'recipe.ts');
    const codes = (texts: string[]) => texts.map((text) => text.slice(0, 5));
    const { warnings } = await exportNotebook(notebook, { notebookFile, scriptFile });
    assert.deepEqual(codes(warnings), ['FB103', 'FB201', 'FB201', 'FB202']);
    notebook.metadata.flowbook = { ignore: ['FB103', 'FB201'] };
    const checked = await exportScript(notebook, notebookFile, scriptFile, true);
    assert.deepEqual(codes(checked.warnings), ['FB202', 'FB203']);
    assert.equal(checked.problems.length, 1);
    assert.match(checked.warnings[1], /^FB203: recipe\.ts:\d+ \(cell \[b\]\): Type 'number' /);
  });
});

describe('warnings of scripts', () => {
  const places = {
    notebookFile: path.join(root, 'notebooks/n.ipynb'),
    scriptFile: path.join(root, 'recipe.ts'),
  };
  const of = async (sources: string[], where = places) =>
    (await exportNotebook(cells(sources), where)).warnings;

  it('FB204 is for what a cell closes whose names others use, and not for what a block does', async () => {
    const sources = [
      'using a = f(), b = f()\nawait using c = g()\nconst d = 1',
      '{ using e = f() }\nconst h = d',
      'using i = f(h)',
    ];
    assert.deepEqual(await of(sources), [
      'FB204: cell 1 [c1], line 1: "a", "b" closes when the script ends, not the cell: put it in a block, { ... }',
      'FB204: cell 1 [c1], line 2: "c" closes when the script ends, not the cell: put it in a block, { ... }',
    ]);
  });

  it('FB205 is for __dirname, __filename and import.meta of a script in another folder', async () => {
    const sources = ['__dirname\n__filename', 'import.meta.url', 'const __dirname = 1; __dirname'];
    const about =
      "is of the script's folder in the script: process.cwd() is the notebook's in both";
    assert.deepEqual(await of(sources), [
      `FB205: cell 1 [c1], line 1: __dirname ${about}`,
      `FB205: cell 1 [c1], line 2: __filename ${about}`,
      `FB205: cell 2 [c2], line 1: import.meta ${about}`,
    ]);
    const scriptFile = path.join(root, 'notebooks/recipe.ts');
    assert.deepEqual(await of(sources, { ...places, scriptFile }), []);
  });

  it('FB206 is for a module that is imported below a cell that sets process.env', async () => {
    const setters = [
      "process.env.A = '1'",
      "if (true) { process.env['A'] ??= '1' }",
      "Object.assign(process.env, { A: '1' })",
      'delete process.env.A',
    ];
    const imports = [
      "import { x } from './x'\nimport { join } from 'node:path'",
      "import { y } from './x'\nimport { z } from 'z'\nimport type { T } from 't'\nimport { type U } from 'u'",
    ];
    for (const setter of setters) {
      assert.deepEqual(await of([imports[0], setter, imports[1]]), [
        `FB206: cell 3 [c3], line 2: "z" is loaded before cell 2 [c2] sets process.env, as a script's imports come first`,
      ]);
    }
    assert.deepEqual(await of([imports[0], "process.env.A === '1'", imports[1]]), []);
    assert.deepEqual(await of([`process.env.A = '1'\n${imports[0]}`]), []);
  });
});

describe('docs/warnings', () => {
  it('has a page for each code: what it is about, why, what to do, how to silence it', () => {
    const codes = Object.keys(warningCodes);
    assert.deepEqual(
      readdirSync(pages).filter((name) => /^FB/.test(name)),
      codes.map((code) => `${code}.md`),
    );
    const overview = readFileSync(path.join(pages, 'README.md'), 'utf8');
    for (const [code, about] of Object.entries(warningCodes)) {
      const page = readFileSync(path.join(pages, `${code}.md`), 'utf8');
      assert.ok(page.startsWith(`# ${code}: ${about}\n`), code);
      for (const heading of ['Why', 'What to do', 'Silencing']) {
        assert.ok(page.includes(`\n## ${heading}\n`), `${code} says ${heading}`);
      }
      assert.ok(overview.includes(`[${code}](${code}.md)`), code);
    }
  });
});
