import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { KernelClient } from '../../../kernel-extensions/src/kernel/client';
import {
  readNotebookSettings,
  settingsOf,
} from '../../../kernel-extensions/src/kernel/engine/notebook-settings';
import { printed, resultText } from './running-kernel';

describe('settingsOf()', () => {
  it('checks types strictly where nothing is said', () => {
    const expected = { dialect: 'flowbook', typecheck: 'error', strict: null, problems: [] };
    assert.deepEqual(settingsOf({}), expected);
    assert.deepEqual(readNotebookSettings(undefined), expected);
    assert.deepEqual(readNotebookSettings('/nowhere/a.ipynb'), expected);
  });

  it("takes other kernels' habits from the kernel's name and the language", () => {
    const habits = (name: string, language?: string) => {
      const { dialect, typecheck, strict } = settingsOf({ kernelspec: { name, language } });
      return [dialect, typecheck, strict];
    };
    assert.deepEqual(habits('tslab', 'typescript'), ['tslab', 'error', false]);
    assert.deepEqual(habits('jslab', 'javascript'), ['jslab', 'off', false]);
    assert.deepEqual(habits('deno', 'typescript'), ['deno', 'off', null]);
    assert.deepEqual(habits('javascript'), ['javascript', 'off', false]);
    assert.deepEqual(habits('flowbook', 'typescript'), ['flowbook', 'error', null]);
    assert.equal(settingsOf({ language_info: { name: 'javascript' } }).dialect, 'javascript');
  });

  it('tells tslab from ITypescript, which both call themselves typescript', () => {
    const dialect = (mimetype: string) =>
      settingsOf({
        kernelspec: { name: 'typescript', language: 'typescript' },
        language_info: { name: 'typescript', mimetype },
      }).dialect;
    assert.equal(dialect('text/typescript'), 'tslab');
    assert.equal(dialect('application/x-typescript'), 'javascript');
  });

  it('lets flowbook.typecheck and flowbook.strict change them', () => {
    const flowbook = { typecheck: 'warn', strict: true };
    const { dialect, typecheck, strict } = settingsOf({ kernelspec: { name: 'tslab' }, flowbook });
    assert.deepEqual([dialect, typecheck, strict], ['tslab', 'warn', true]);
  });

  it('lets flowbook.dialect name the kernel whose habits hold, whatever the kernelspec says', () => {
    const habits = (flowbook: object) => {
      const settings = settingsOf({ kernelspec: { name: 'flowbook' }, flowbook });
      const { dialect, typecheck, strict, problems } = settings;
      assert.deepEqual(problems, []);
      return [dialect, typecheck, strict];
    };
    assert.deepEqual(habits({ dialect: 'tslab' }), ['tslab', 'error', false]);
    assert.deepEqual(habits({ dialect: 'deno' }), ['deno', 'off', null]);
    assert.deepEqual(habits({ dialect: 'javascript' }), ['javascript', 'off', false]);
    assert.deepEqual(habits({ dialect: 'deno', typecheck: 'warn' }), ['deno', 'warn', null]);
    assert.equal(
      settingsOf({ kernelspec: { name: 'deno' }, flowbook: { dialect: 'flowbook' } }).dialect,
      'flowbook',
    );
  });

  it('says what is wrong, and keeps the rest', () => {
    const { dialect, typecheck, problems } = settingsOf({
      kernelspec: { name: 'tslab' },
      flowbook: { dialect: 'python', typecheck: 'no', strict: 1 },
    });
    assert.equal(dialect, 'tslab');
    assert.equal(typecheck, 'error');
    assert.deepEqual(problems, [
      'Cannot use the notebook\'s metadata as flowbook.dialect must be "flowbook", "tslab", "jslab", "deno" or "javascript": current value is "python"',
      'Cannot use the notebook\'s metadata as flowbook.typecheck must be "error", "warn" or "off": current value is "no"',
      "Cannot use the notebook's metadata as flowbook.strict must be true or false: current value is 1",
    ]);
  });
});

describe('a kernel with a notebook', () => {
  const folders: string[] = [];
  after(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

  /** Runs cells in a folder with these files, for a notebook with this metadata. */
  async function run(flowbook: unknown, files: Record<string, string>, ...cells: string[]) {
    const folder = mkdtempSync(join(tmpdir(), 'flowbook-test-'));
    folders.push(folder);
    const notebook = { cells: [], metadata: { flowbook }, nbformat: 4, nbformat_minor: 5 };
    for (const [name, text] of Object.entries({
      ...files,
      'n.ipynb': JSON.stringify(notebook),
    })) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    const env = { JPY_SESSION_NAME: join(folder, 'n.ipynb') };
    const kernel = await KernelClient.start({ cwd: folder, env });
    try {
      const results = [];
      for (const cell of cells) results.push(await kernel.execute(cell));
      return results;
    } finally {
      await kernel.shutdown();
    }
  }

  it('typecheck "off" runs whatever can be parsed', async () => {
    const [first, second, third, fourth] = await run(
      { typecheck: 'off' },
      {},
      "const s: string = 5; import later from 'node:os'; missing = s + 1; missing",
      'function a() { return b() } typeof nowhere',
      'function b() { return missing }\na()',
      'nowhere',
    );
    assert.deepEqual(
      [resultText(first), resultText(second), resultText(third)],
      ['6', 'undefined', '6'],
    );
    assert.equal(fourth.error?.evalue, 'nowhere is not defined');
  });

  it('typecheck "off" still completes names of earlier cells', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'flowbook-test-'));
    folders.push(folder);
    const file = join(folder, 'n.ipynb');
    writeFileSync(file, JSON.stringify({ metadata: { flowbook: { typecheck: 'off' } } }));
    const kernel = await KernelClient.start({ cwd: folder, env: { JPY_SESSION_NAME: file } });
    try {
      await kernel.execute('const config = { rate: 1, steps: 2 }; const wrong: number = "text";');
      assert.deepEqual((await kernel.complete('config.ra', 9)).matches, ['rate']);
    } finally {
      await kernel.shutdown();
    }
  });

  it('typecheck "warn" prints the error and runs the cell', async () => {
    const [first, second] = await run({ typecheck: 'warn' }, {}, 'const s: string = 5; s', 's');
    assert.equal(resultText(first), '5');
    assert.match(
      printed(first, 'stderr'),
      /^Warning: TypeScriptError: Cell \[1\], line 1, column 7: Type 'number'/,
    );
    assert.equal(resultText(second), '5');
    assert.equal(printed(second, 'stderr'), '');
  });

  it('strict false has the options of tslab', async () => {
    const loose = 'function f(x) { return x }\nlet n: number = null;\nf(n)';
    const [strictly] = await run({}, {}, loose);
    assert.match(strictly.error?.evalue ?? '', /implicitly has an 'any' type/);
    const [loosely] = await run({ strict: false }, {}, loose);
    assert.equal(loosely.error, null);
  });

  it('says what is wrong with the metadata, once', async () => {
    const [first, second] = await run({ typecheck: 3 }, {}, '1', '2');
    assert.match(printed(first, 'stderr'), /^Cannot use the notebook's metadata/);
    assert.equal(printed(second, 'stderr'), '');
  });

  it('honours a tsconfig.json that covers its folder: strictness, JSX and paths', async () => {
    const files = {
      'tsconfig.json': `{ "compilerOptions": { "strict": false, "jsx": "react", "jsxFactory": "make",
        "noUnusedLocals": true, "paths": { "@lib/*": ["./lib/*"] } } }`,
      'lib/deep.ts': 'export const deep = 4;',
    };
    const [loose, jsx, paths] = await run(
      undefined,
      files,
      'function f(x) { return x }\nconst unused = 1;',
      'const make = (tag: string) => tag.toUpperCase();\n<b>text</b>',
      "import { deep } from '@lib/deep';\ndeep",
    );
    assert.equal(loose.error, null);
    assert.equal(resultText(jsx), 'B');
    assert.equal(resultText(paths), '4');
  });

  it('leaves a tsconfig.json of other folders alone', async () => {
    const tsconfig = '{ "compilerOptions": { "strict": false }, "include": ["src"] }';
    const [result] = await run({}, { 'tsconfig.json': tsconfig }, 'function f(x) { return x }');
    assert.match(result.error?.evalue ?? '', /implicitly has an 'any' type/);
  });

  it('says how to install a package that is missing', async () => {
    const specifiers = ['npm:absent@2/sub', 'absent/sub', 'jsr:@std/absent@1'];
    const cells = specifiers.map((one) => `import { x } from '${one}';`);
    const messages = async (typecheck: string) =>
      (await run({ typecheck }, {}, ...cells)).map(({ error }) => error?.evalue ?? '');
    for (const found of [await messages('error'), await messages('off')]) {
      assert.match(
        found[0],
        /"npm:absent@2\/sub" as its package must be installed: run "npm install absent@2" in \//,
      );
      assert.match(found[1], /run "npm install absent" in \//);
      assert.match(found[2], /run "npx jsr add @std\/absent" in \//);
    }
  });

  it('shows a file and its line in a stack trace', async () => {
    const [result] = await run(
      { typecheck: 'off' },
      {
        'fails.ts':
          'type T = 1;\n\nexport function fail(): never {\n  throw new Error("in a file");\n}\n',
      },
      "import { fail } from './fails';\nfail();",
    );
    const traceback = result.error?.traceback.join('\n') ?? '';
    assert.match(traceback, /at .*fail \(\/.*\/fails\.ts:4:9\)/);
    assert.match(traceback, /at Cell \[1\], line 2, column \d/);
  });
});
