import assert from 'node:assert/strict';
import { printed, resultText, runningKernel } from './running-kernel';

describe('a cell', () => {
  const running = runningKernel();
  const run = (code: string) => running.kernel.execute(code);
  const textOf = async (code: string) => {
    const result = await run(code);
    assert.equal(result.error, null);
    return resultText(result);
  };

  it('returns its last expression', async () => {
    assert.equal(await textOf('const a = 20; a + 1'), '21');
    assert.equal(await textOf('[1, 2].map((x) => x * 2)'), '[ 2, 4 ]');
  });

  it('returns nothing when its last statement is a declaration, undefined or null', async () => {
    for (const code of ['const b = 1;', 'undefined', 'null', '', '// a comment', 'type T = 1']) {
      assert.deepEqual((await run(code)).outputs, []);
    }
  });

  it('sees names, types and functions of earlier cells', async () => {
    await run('interface Point { x: number }; const origin: Point = { x: 0 };');
    await run('function move(point: Point, by: number): Point { return { x: point.x + by } }');
    assert.equal(await textOf('const moved: Point = move(origin, 3); moved.x'), '3');
  });

  it('may await, and loop with for await, at top level', async () => {
    const result = await run(
      'async function* count() { yield 1; yield 2 }\nfor await (const n of count()) console.log(n);\nawait 5',
    );
    assert.equal(printed(result), '1\n2\n');
    assert.equal(resultText(result), '5');
  });

  it('shares one variable with the closures of other cells', async () => {
    await run('let n = 0; function add() { n++ }');
    assert.equal(await textOf('n = 10; add(); n'), '11');
    assert.equal(await textOf('add(); n'), '12');
  });

  it('shares variables that loops and destructuring assign', async () => {
    await run('let [p, q] = [1, 2]; const sum = () => p + q;');
    assert.equal(await textOf('[p, q] = [10, 20]; sum()'), '30');
    assert.equal(await textOf('for (p of [5, 6]) {}\nsum()'), '26');
  });

  it('keeps a redeclared variable when a closure of the former one writes', async () => {
    await run('let level = 0; const raise = () => ++level;');
    await run('let level = 100;');
    assert.equal(await textOf('raise(); raise(); level'), '100');
    assert.equal(await textOf('raise()'), '3');
  });

  it('redeclares const, let, class and function with other types', async () => {
    await run('const thing = 1; class Box { a = 1 }; function f() { return 1 }');
    await run('const thing = "s"; class Box { b = 2 }; function f() { return "f" }');
    assert.equal(await textOf('thing.length + new Box().b + f()'), '3f');
  });

  it('keeps the types of what took a function or a variable that is declared anew', async () => {
    await run(
      'function score(x: number) { return x * 2 }\nconst [one, other] = [{ a: 1 }, 2];\ntype scale = number;\n' +
        'const first = score; const rewards = { score }; let two: typeof one = one; const scaled: scale = 1;',
    );
    await run('function score(text: string) { return text.length }\nconst one = 5;');
    assert.equal(await textOf('first(3) + rewards.score(4) + two.a + other + scaled + one'), '23');
    await run('const score = 1;\nconst scale = (x: string) => x;');
    assert.equal(
      await textOf("const sum: number = first(3) + score; sum + scale('!') + scaled"),
      '7!1',
    );
    assert.match(
      (await run("first('text')")).error?.evalue ?? '',
      /'string' is not assignable to parameter of type 'number'/,
    );
    const { matches } = await running.kernel.complete('scor', 4);
    assert.deepEqual(matches, ['score']);
  });

  it('goes on when what it publishes is nothing that JSON can hold', async () => {
    await run('const before = 42;');
    const shown = await run("({ 'application/json': { id: 1n } })");
    assert.match(resultText(shown) ?? '', /current value of "id" is 1n\)$/);
    const sink = "(globalThis as any)[Symbol.for('flowbook.display.sink')]";
    const refused = await run(`${sink}.publish({ data: { 'a/b': 1n }, metadata: {} }, {})`);
    assert.equal(
      refused.error?.evalue,
      'Cannot show a/b as JSON must be able to hold it: current value is 1n',
    );
    const dropped = await run(`${sink}.publish({ data: {}, metadata: {} }, { displayId: 1n })`);
    assert.match(printed(dropped, 'stderr'), /^An output was dropped: .*BigInt/);
    const { userExpressions } = await running.kernel.execute('1', {
      userExpressions: { bundle: "({ 'application/json': { n: 1n } })" },
    });
    assert.equal(userExpressions.bundle.status, 'ok');
    assert.equal(await textOf('before'), '42');
  });

  it('may export its declarations, which changes nothing', async () => {
    await run('export const exported = 3; export default function shout() { return exported + 1 }');
    assert.equal(await textOf('shout()'), '4');
  });

  it('takes decorators that register a class', async () => {
    await run(
      'const registry = new Map<string, unknown>();\n' +
        'function register(name: string, options: { algorithm: string }) {\n' +
        '  return <C extends new (...args: never[]) => object>(target: C, _context?: ClassDecoratorContext): void => {\n' +
        '    registry.set(`${name}/${options.algorithm}`, target);\n  };\n}',
    );
    await run(
      "@register('X', { algorithm: 'y' })\nclass Adapter { #secret = 1; read() { return this.#secret } }",
    );
    assert.equal(await textOf("registry.get('X/y') === Adapter && new Adapter().read()"), '1');
  });

  it('takes class expressions with private members', async () => {
    await run('const Hidden = class { private x = 7; read() { return this.x } };');
    assert.equal(await textOf('new Hidden().read()'), '7');
  });

  it('takes enums, namespaces and import.meta', async () => {
    await run('enum Mode { Off, On = "on" }\nnamespace Unit { export const metre = 1 }');
    assert.equal(await textOf('[Mode.On, Unit.metre]'), "[ 'on', 1 ]");
    assert.match((await textOf('import.meta.url')) ?? '', /^file:/);
  });

  it('keeps what it had declared before it failed', async () => {
    const failed = await run('const kept = 1;\nthrow new Error("stop");\nconst lost = 2;');
    assert.equal(failed.status, 'error');
    assert.equal(await textOf('kept'), '1');
    const { error } = await run('lost');
    assert.equal(error?.ename, 'ReferenceError');
    assert.match(
      error?.evalue ?? '',
      /^Cannot read 'lost' as Cell \[\d+\], which declares it, stopped/,
    );
  });

  it('that fails before a declaration leaves the name as it was, with its type', async () => {
    await run('const model = { a: 1 };\nlet count = 1;\nclass Thing { old = 1 }');
    const fails = "throw new Error('early');";
    await run(`${fails}\nconst model = 'text';\nlet count = 2;\nclass Thing { young = 1 }`);
    assert.equal(await textOf('count++;\n[model.a, count, new Thing().old]'), '[ 1, 2, 1 ]');
    await run(`const model = 'text';\n${fails}\nlet count = 3;`);
    assert.equal(await textOf('[model.length, count]'), '[ 4, 2 ]');
  });

  it('that fails before a declaration leaves what was there without a cell', async () => {
    const fails = "if (Date.now() > 0) throw new Error('early');";
    await run(`${fails}\nconst crypto = 1; const require = 2; class Buffer {}`);
    const code =
      "[typeof crypto.randomUUID, typeof require('node:fs').statSync, Buffer.from('a').length]";
    assert.equal(await textOf(code), "[ 'function', 'function', 1 ]");
    assert.equal(await textOf(`// @ts-nocheck\n${code}`), "[ 'function', 'function', 1 ]");
  });

  it('may declare require, and not exports', async () => {
    const code =
      "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);\n" +
      "import { sep } from 'node:path';\nconst kept = require('node:path').sep === sep;\nkept";
    assert.equal(await textOf(code), 'true');
    assert.equal(
      await textOf("[kept, 'cache' in require, typeof require('node:fs')]"),
      "[ true, true, 'object' ]",
    );
    assert.equal(await textOf('Object.keys({ require })'), "[ 'require' ]");
    await run('function require(name: string) { return name }');
    assert.equal(await textOf("import fs = require('node:fs');\ntypeof fs.statSync"), 'function');
    const { error } = await run('const exports = 1;');
    assert.match(
      error?.evalue ?? '',
      /^Cannot declare 'exports' in a cell as .*: choose another name$/,
    );
  });

  it('is stopped by a type error before any of it runs', async () => {
    const result = await run("console.log('runs');\nconst wrong: string = 5;");
    assert.equal(printed(result), '');
    assert.equal(result.error?.ename, 'TypeScriptError');
    assert.match(
      result.error?.evalue ?? '',
      /^Cell \[\d+\], line 2, column 7: Type 'number' is not assignable to type 'string'. \(TS2322\)$/,
    );
  });

  it('may put timers of its own in place of those of Node', async () => {
    await run("import { mock } from 'node:test'; mock.timers.enable();");
    await run('for (let line = 0; line < 30; line++) console.log(line);');
    assert.equal(await textOf('mock.timers.reset(); 1'), '1');
  });

  it('cannot end the session by process.exit()', async () => {
    const { error } = await run('process.exit(1)');
    assert.match(
      error?.evalue ?? '',
      /^Cannot exit from a cell as the session must go on: process\.exit\(1\)/,
    );
    assert.equal(await textOf('1 + 1'), '2');
  });
});
