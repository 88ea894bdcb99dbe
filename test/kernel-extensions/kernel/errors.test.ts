import assert from 'node:assert/strict';
import { printed, runningKernel } from './running-kernel';

describe('an error in a cell', () => {
  const running = runningKernel();
  const failure = async (code: string) => {
    const result = await running.kernel.execute(code);
    assert.equal(result.status, 'error');
    assert.ok(result.error);
    assert.deepEqual(result.outputs.at(-1), { output_type: 'error', ...result.error });
    const traceback = result.error.traceback.join('\n');
    return { ...result.error, traceback, cell: `Cell [${result.executionCount}]` };
  };

  it('names its class, its message, and the line and column in the cell', async () => {
    const { ename, evalue, traceback, cell } = await failure(
      'interface Unused { a: number }\n\n// a comment\nfunction fail() {\n  throw new RangeError("boom");\n}\n\nfail();',
    );
    assert.equal(ename, 'RangeError');
    assert.equal(evalue, 'boom');
    assert.equal(
      traceback,
      [
        'RangeError: boom',
        `    at fail (${cell}, line 5, column 9)`,
        `    at ${cell}, line 8, column 1`,
        `${cell}, line 5`,
        '  3 | // a comment',
        '  4 | function fail() {',
        '> 5 |   throw new RangeError("boom");',
        '    |         ^',
        '  6 | }',
        '  7 | ',
      ].join('\n'),
    );
  });

  it('is printed with the lines of the cell, too, and without those of the kernel', async () => {
    const result = await running.kernel.execute(
      "interface Unseen { a: 1 }\nfunction fail() { throw new Error('caught') }\ntry { fail() } catch (error) { console.error(error) }",
    );
    const cell = `Cell [${result.executionCount}]`;
    assert.equal(
      printed(result, 'stderr'),
      `Error: caught\n    at fail (${cell}, line 2, column 25)\n    at ${cell}, line 3, column 7\n`,
    );
  });

  it('names the cell that holds the failing function', async () => {
    const { executionCount } = await running.kernel.execute(
      'const inner = () => {\n  throw new Error("from inner");\n};',
    );
    const { traceback, cell } = await failure('\ninner();');
    assert.match(
      traceback,
      new RegExp(`at inner \\(Cell \\[${executionCount}\\], line 2, column 9\\)`),
    );
    assert.ok(traceback.includes(`at ${cell}, line 2, column 1`));
  });

  it('keeps its line after an await and behind enums, decorators and types', async () => {
    const { traceback, cell } = await failure(
      'enum E { A, B }\ntype T = { a: 1 };\nclass K {\n  private x: number = 1;\n}\nawait null;\nnull!.missing;',
    );
    assert.match(traceback, /^SyntaxError|TypeScriptError|TypeError/);
    assert.ok(traceback.includes(`${cell}, line 7`), traceback);
  });

  it('of a decorator shows no helper of the compiler', async () => {
    const { traceback } = await failure(
      'function refuse(_: unknown, __: unknown): void {\n  throw new Error("refused");\n}\n@refuse\nclass Refused {}',
    );
    assert.match(traceback, /at refuse \(Cell \[\d+\], line 2, column 9\)/);
    assert.doesNotMatch(traceback, /__(esDecorate|runInitializers)/);
  });

  it('shows the cause', async () => {
    const { traceback } = await failure('throw new Error("outer", { cause: new Error("inner") })');
    assert.match(traceback, /\[cause\]: Error: inner/);
  });

  it('may be anything that is thrown', async () => {
    const { ename, evalue } = await failure('throw { code: 3 }');
    assert.deepEqual([ename, evalue], ['Thrown', '{ code: 3 }']);
  });

  it('may be one whose own inspection, or message, throws or is no text', async () => {
    const odd = await failure(
      "class Odd extends Error { [Symbol.for('nodejs.util.inspect.custom')](): string { throw this } }\nthrow new Odd('odd')",
    );
    assert.deepEqual([odd.ename, odd.evalue], ['Error', 'odd']);
    assert.match(odd.traceback, /^Odd \[Error\]: odd\n {4}at Cell \[\d+\], line 2, column 7/);
    const { evalue } = await failure('throw Object.assign(new Error(), { message: 1n })');
    assert.equal(evalue, '1');
    const { ename } = await failure(
      "throw Object.defineProperty(new Error(), 'name', { get() { throw new Error('no') } })",
    );
    assert.equal(ename, 'Thrown');
    const late = await running.kernel.execute(
      "void Promise.reject(Object.defineProperty({}, 'name', { get() { throw new Error('no') } }));\nawait new Promise((settle) => setTimeout(settle, 50));",
    );
    assert.match(printed(late, 'stderr'), /^Uncaught Thrown: /);
  });

  it('is a SyntaxError with its line when the code cannot be parsed', async () => {
    const { ename, evalue, cell } = await failure('const a = 1;\nconst b = ;');
    assert.equal(ename, 'SyntaxError');
    assert.equal(evalue, `${cell}, line 2, column 11: Expression expected. (TS1109)`);
  });

  it('in a callback is printed by the cell that started it', async () => {
    const outputs: string[] = [];
    const result = await running.kernel.execute(
      'setTimeout(() => { throw new Error("late") }, 30); void Promise.reject(new Error("unseen"));',
      { onOutput: (output) => outputs.push(output.output_type === 'stream' ? output.text : '') },
    );
    await running.kernel.execute('await new Promise((settle) => setTimeout(settle, 100))');
    const cell = `Cell [${result.executionCount}], line 1`;
    assert.match(outputs.join(''), /^Uncaught Error: unseen[^]*Uncaught Error: late/);
    assert.ok(outputs.join('').includes(cell));
  });

  it("in a callback is printed when it is of a controller of the cell's own", async () => {
    const result = await running.kernel.execute(
      "const own = new AbortController();\nvoid fetch('http://127.0.0.1:9', { signal: own.signal });\nown.abort();\nawait new Promise((settle) => setTimeout(settle, 50));",
    );
    assert.match(
      printed(result, 'stderr'),
      /^Uncaught DOMException \[AbortError\]: This operation was aborted/,
    );
  });
});
