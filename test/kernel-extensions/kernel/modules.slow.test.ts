import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { ModuleNames } from '../../../kernel-extensions/src/kernel/engine/modules/module-names';
import { printed, resultText, runningKernel } from './running-kernel';

/** A folder of a notebook with packages and files of every kind beside it. */
function makeWorkspace(): string {
  const folder = mkdtempSync(join(tmpdir(), 'flowbook-test-'));
  const files: Record<string, string> = {
    'helper.ts':
      'export const scale = (x: number): number => x * 2;\nexport let calls = 0;\nexport function call() { calls++ }\n',
    'settings.json': '{ "steps": 7 }',
    'node_modules/only-esm/package.json': JSON.stringify({
      name: 'only-esm',
      type: 'module',
      exports: {
        '.': { types: './index.d.ts', import: './index.js' },
        './late': { types: './late.d.ts', import: './late.js' },
      },
    }),
    'node_modules/only-esm/index.js':
      'export default "the default"; export let count = 0; export const add = () => ++count;',
    'node_modules/only-esm/index.d.ts':
      'declare const text: string; export default text; export let count: number; export function add(): number;',
    'node_modules/only-esm/late.js': 'export const late = await Promise.resolve("awaited");',
    'node_modules/only-esm/late.d.ts': 'export const late: string;',
    'node_modules/untyped/package.json': '{ "name": "untyped", "main": "index.js" }',
    'node_modules/untyped/index.js': 'module.exports = { answer: 42 };',
  };
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

describe('modules in cells', () => {
  const folder = makeWorkspace();
  const running = runningKernel(() => ({ cwd: folder }));
  after(() => rmSync(folder, { recursive: true }));
  const textOf = async (code: string) => {
    const result = await running.kernel.execute(code);
    assert.equal(result.error, null);
    return resultText(result);
  };

  it('goes on when files appear where packages were looked for', async () => {
    await textOf("import * as missing from 'untyped';\nmissing.answer");
    for (const name of ['run.json', 'log.jsonl', 'node_modules', 'package.json']) {
      const path = JSON.stringify(
        join(folder, name === 'node_modules' ? 'node_modules/new' : name),
      );
      const write = `await new Promise((done) => setTimeout(done, 400));\nrequire('node:fs').writeFileSync(${path}, '{}');`;
      await textOf(`${write}\nawait new Promise((done) => setTimeout(done, 400));`);
      assert.equal(await textOf("import { answer } from 'untyped';\nanswer"), '42');
    }
  });

  it("imports Node's own, by default, by name and as a namespace", async () => {
    const code = "import fs, { readFileSync } from 'node:fs';\nimport * as path from 'path';\n";
    assert.equal(
      await textOf(`${code}[fs.readFileSync === readFileSync, path.basename('a/b')]`),
      "[ true, 'b' ]",
    );
    assert.equal(await textOf("path.extname('x.ts')"), '.ts');
  });

  it('imports ES modules statically: default, names, namespace, subpaths, top-level await', async () => {
    const code =
      "import text, { add } from 'only-esm';\nimport * as all from 'only-esm';\nimport { late } from 'only-esm/late';\n";
    assert.equal(
      await textOf(`${code}[text, add(), all.count, late]`),
      "[ 'the default', 1, 1, 'awaited' ]",
    );
    assert.equal(await textOf('add(); all.count'), '2');
  });

  it('imports ES modules dynamically, with their types', async () => {
    assert.equal(await textOf("const esm = await import('only-esm/late'); esm.late.length"), '7');
    assert.equal(await textOf("typeof (await import('node:os')).cpus"), 'function');
  });

  it('imports packages without types as any', async () => {
    assert.equal(await textOf("import untyped from 'untyped'; untyped.answer"), '42');
  });

  it('imports TypeScript files beside the notebook, and again after an edit', async () => {
    assert.equal(
      await textOf("import { scale, call, calls } from './helper'; call(); [scale(2), calls]"),
      '[ 4, 1 ]',
    );
    const file = join(folder, 'helper.ts');
    writeFileSync(file, 'export const scale = (x: number): number => x * 5;\n');
    utimesSync(file, new Date(), new Date(Date.now() + 5000));
    await new Promise((settle) => setTimeout(settle, 1000));
    assert.equal(await textOf("import { scale } from './helper.ts'; scale(2)"), '10');
    assert.equal(await textOf("(await import('./helper.ts')).scale(3)"), '15');
  });

  it('loads edited files of every kind anew: static, dynamic, and through a TypeScript file', async () => {
    const kinds: Record<string, (value: number) => string> = {
      'kind.json': (value) => `{ "v": ${value} }`,
      'kind.cjs': (value) => `exports.v = ${value};`,
      'kind.mjs': (value) => `export const v = ${value};`,
      'kind.ts': (value) => `export const v = ${value};`,
    };
    const write = (value: number) => {
      for (const [name, text] of Object.entries(kinds)) {
        writeFileSync(join(folder, name), text(value));
        utimesSync(join(folder, name), new Date(), new Date(Date.now() + value * 10_000));
      }
    };
    const names = ['json', 'cjs', 'mjs', 'ts'];
    const imports = names.map((name) => `import * as ${name} from './kind.${name}';\n`).join('');
    const values = `[${names.map((name) => `${name}.v`).join(', ')}]`;
    writeFileSync(join(folder, 'through.ts'), `${imports}export const all = ${values};\n`);
    const ways = {
      static: `// @ts-nocheck\n${imports}${values}`,
      dynamic: `// @ts-nocheck\n[${names.map((name) => `(await import('./kind.${name}')).v`).join(', ')}]`,
      through: "// @ts-nocheck\nimport { all } from './through';\nall",
    };
    const { static: statically, dynamic, through } = ways;
    const order = [
      statically,
      statically,
      dynamic,
      statically,
      dynamic,
      through,
      statically,
      through,
    ];
    for (const [value, code] of order.entries()) {
      write(value);
      const all = `[ ${Array(4).fill(value).join(', ')} ]`;
      assert.equal(await textOf(code), all);
      for (const other of Object.values(ways)) assert.equal(await textOf(other), all);
    }
  });

  it('imports TypeScript files from a folder above', async () => {
    const other = mkdtempSync(join(tmpdir(), 'flowbook-test-'));
    writeFileSync(join(other, 'far.ts'), 'export const far = 3;\n');
    assert.equal(await textOf(`import { far } from '../${basename(other)}/far';\nfar`), '3');
    rmSync(other, { recursive: true });
  });

  it('gives a TypeScript file the defaults of CommonJS modules', async () => {
    writeFileSync(
      join(folder, 'defaults.ts'),
      "import fs from 'node:fs';\nimport settings from './settings.json';\nexport const found = [fs.existsSync('/'), settings.steps];\n",
    );
    assert.equal(await textOf("import { found } from './defaults';\nfound"), '[ true, 7 ]');
  });

  it('imports JSON', async () => {
    assert.equal(await textOf("import settings from './settings.json'; settings.steps"), '7');
  });

  it('keeps what a cell imports although another of its imports, or its code, stops it', async () => {
    const stopped = await running.kernel.execute(
      "import { sep } from 'node:path';\nimport absent from 'no-such-package';\nimport only from 'only-esm';\nconst kept = 1;",
    );
    assert.match(stopped.error?.evalue ?? '', /no-such-package/);
    const wrong = await running.kernel.execute(
      "import { EOL } from 'node:os';\nconst n: number = 'text';",
    );
    assert.match(wrong.error?.evalue ?? '', /TS2322/);
    assert.equal(await textOf('[sep, only, EOL].length + sep.length + only.length'), '15');
    const { error } = await running.kernel.execute('kept');
    assert.match(error?.evalue ?? '', /Cannot find name 'kept'/);
  });

  it('says which module is missing', async () => {
    const { error } = await running.kernel.execute("import { x } from 'no-such-package';");
    assert.match(error?.evalue ?? '', /line 1, column 19: Cannot find module 'no-such-package'/);
  });
});

describe('an import map that cannot be read', () => {
  const maps: [name: string, map: string, problem: RegExp][] = [
    ['that is no JSON', '{ "imports": {', /^Cannot read \S+deno\.json as it must be JSON: /],
    [
      'that is not there',
      '{ "importMap": "./missing.json" }',
      /^Cannot read the import map \S+missing\.json as it must be a file: ENOENT/,
    ],
    [
      'that leads to what is no text',
      '{ "imports": { "a": 5 } }',
      /^Cannot use the import map \S+deno\.json as "a" must be a text: current value is 5\n$/,
    ],
    [
      'that is no object',
      '{ "imports": [] }',
      /^Cannot use the import map \S+deno\.json as its imports must be an object: current value is \[\]\n$/,
    ],
  ];
  for (const [name, map, problem] of maps) {
    it(`${name} is a problem of ModuleNames, not an error`, () => {
      const folder = mkdtempSync(join(tmpdir(), 'flowbook-test-'));
      writeFileSync(join(folder, 'deno.json'), map);
      const names = new ModuleNames(folder);
      assert.match(`${names.problems.join('\n')}\n`, problem);
      assert.equal(names.resolve('a'), 'a');
      rmSync(folder, { recursive: true });
    });
  }

  const folder = mkdtempSync(join(tmpdir(), 'flowbook-test-'));
  const running = runningKernel(() => {
    writeFileSync(join(folder, 'deno.json'), '{ "imports": {');
    return { cwd: folder };
  });
  after(() => rmSync(folder, { recursive: true }));

  it('is told by the first cell, which runs', async () => {
    const first = await running.kernel.execute('1 + 1');
    assert.match(printed(first, 'stderr'), /^Cannot read \S+deno\.json as it must be JSON: /);
    assert.equal(resultText(first), '2');
    assert.equal(printed(await running.kernel.execute('1'), 'stderr'), '');
  });
});

describe('packages of the workspace in cells', () => {
  const running = runningKernel(() => ({ cwd: resolve(__dirname, '../../../notebooks') }));

  it('resolve to their builds, with types', async () => {
    const result = await running.kernel.execute(
      "import { RandomKey, tf } from '@flowbook/sdk';\n" +
        'const key: RandomKey = RandomKey.fromSeed(1);\n' +
        'const x = tf.tensor1d([1, 2, 3]);\nconsole.log(x.sum().arraySync(), key.uniform() < 1);',
    );
    assert.equal(result.error, null);
    assert.equal(printed(result), '6 true\n');
    const wrong = await running.kernel.execute("RandomKey.fromSeed('one');");
    assert.match(
      wrong.error?.evalue ?? '',
      /Argument of type 'string' is not assignable to parameter of type 'number'/,
    );
  });

  it('are one instance for static and for dynamic imports', async () => {
    const result = await running.kernel.execute(
      "(await import('@flowbook/sdk')).RandomKey === RandomKey",
    );
    assert.equal(resultText(result), 'true');
  });

  it('complete and inspect with documentation', async () => {
    const { matches } = await running.kernel.complete('RandomKey.fromS', 15);
    assert.deepEqual(matches, ['fromSeed']);
    const { data } = await running.kernel.inspect('RandomKey.fromSeed', 14);
    assert.match(data['text/plain'], /RandomKey\.fromSeed\(seed: number\)/);
  });

  it('show tensors as bundles with plain text', async () => {
    const result = await running.kernel.execute('tf.tensor2d([[1, 2], [3, 4]])');
    assert.match(resultText(result) ?? '', /float32/);
  });

  it("stop a native training run when its cell's step returns", async () => {
    let begins = () => {};
    const begun = new Promise<void>((settle) => (begins = settle));
    const cell = running.kernel.execute(
      'const model = tf.sequential({ layers: [tf.layers.dense({ units: 8, inputShape: [4] }), tf.layers.dense({ units: 1 })] });\n' +
        "model.compile({ loss: 'meanSquaredError', optimizer: 'sgd' });\n" +
        "const callbacks = { onEpochEnd: (epoch: number) => { if (epoch === 20) console.log('trains'); } };\n" +
        'await model.fit(tf.randomNormal([64, 4]), tf.randomNormal([64, 1]), { epochs: 1e9, verbose: 0, callbacks });',
      { onOutput: begins },
    );
    // Were it not interrupted, it would never end.
    await Promise.race([begun, cell]);
    await running.kernel.interrupt();
    assert.equal((await cell).error?.ename, 'Interrupted');
    await running.kernel.execute('model.stopTraining = true;');
    assert.equal(resultText(await running.kernel.execute('x.arraySync().length')), '3');
  });
});

describe('a notebook far from any package', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flowbook-test-'));
  const running = runningKernel(() => ({ cwd: folder }));
  after(() => rmSync(folder, { recursive: true }));

  it("knows Node's types", async () => {
    const result = await running.kernel.execute("Buffer.from('a').length + process.argv.length");
    assert.equal(result.error, null);
  });

  it('finds the packages that are installed beside the kernel, with types', async () => {
    const result = await running.kernel.execute(
      "import { RandomKey, tf } from '@flowbook/sdk';\nimport * as tfjs from '@tensorflow/tfjs';\n" +
        "[tf.version === tfjs.version, (await import('@flowbook/sdk')).RandomKey === RandomKey]",
    );
    assert.equal(resultText(result), '[ true, true ]');
    const wrong = await running.kernel.execute('const key: number = RandomKey.fromSeed(1);');
    assert.match(wrong.error?.evalue ?? '', /Type 'RandomKey' is not assignable to type 'number'/);
  });
});
