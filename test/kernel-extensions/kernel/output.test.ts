import assert from 'node:assert/strict';
import { pause, printed, resultText, runningKernel } from './running-kernel';

const SINK = "(globalThis as any)[Symbol.for('flowbook.display.sink')]";

describe('the output of a cell', () => {
  const running = runningKernel();
  const run = (code: string) => running.kernel.execute(code);

  it('has a burst of prints before what a child process that starts after it writes', async () => {
    const result = await running.kernel.execute(
      "import { exec, execSync } from 'node:child_process';\nimport { promisify } from 'node:util';\n" +
        'for (let n = 0; n < 40; n++) console.log(n);\n' +
        "execSync('sleep 0.2; echo child', { stdio: 'inherit' });\n" +
        "(await promisify(exec)('echo kept')).stdout",
    );
    const numbers = Array.from({ length: 40 }, (_, n) => `${n}\n`).join('');
    assert.equal(printed(result), `${numbers}child\n`);
    assert.equal(resultText(result), 'kept\n');
  });

  it('arrives whole and in order when a loop prints 100,000 lines', async () => {
    const result = await run("for (let i = 0; i < 100000; i++) console.log('line ' + i);");
    const lines = printed(result).split('\n');
    assert.equal(lines.pop(), '');
    assert.equal(lines.length, 100_000);
    assert.equal(
      lines.findIndex((line, i) => line !== `line ${i}`),
      -1,
    );
    assert.ok(result.outputs.length < 1000, `${result.outputs.length} messages`);
  });

  it('arrives whole and in order when an async loop prints', async () => {
    const result = await run('for (let i = 0; i < 5000; i++) { console.log(i); await null }');
    const expected = Array.from({ length: 5000 }, (_, i) => `${i}\n`).join('');
    assert.equal(printed(result), expected);
  });

  it('keeps the order of stdout, stderr and displays', async () => {
    const result = await run(
      `console.log('one'); console.error('two'); ${SINK}.publish({ data: { 'text/plain': 'three' }, metadata: {} }, { update: false }); process.stdout.write('four')`,
    );
    const kinds = result.outputs.map((output) =>
      output.output_type === 'stream' ? `${output.name} ${output.text.trim()}` : output.output_type,
    );
    assert.deepEqual(kinds, [
      'stdout one',
      'stderr two',
      'display_data',
      'stdout four',
      'execute_result',
    ]);
  });

  it('is on its way before a long synchronous step begins', async () => {
    const arrivals: number[] = [];
    await run("for (let i = 0; i < 1000; i++) console.log('a burst before')");
    const result = await running.kernel.execute(
      "console.log('a'); console.log('b'); for (const end = Date.now() + 3000; Date.now() < end; ) {}\nDate.now()",
      { onOutput: () => arrivals.push(Date.now()) },
    );
    const ended = Number(resultText(result));
    assert.equal(arrivals.length, 3, 'two lines, and when the step ended');
    assert.ok(arrivals[1] < ended, `${arrivals[1] - ended} ms after it`);
  });

  it('holds what child processes and raw writes print', async () => {
    const result = await run(
      "import { spawnSync } from 'node:child_process';\nimport { writeSync } from 'node:fs';\n" +
        "spawnSync('echo', ['from a child'], { stdio: 'inherit' }); writeSync(2, 'raw error\\n');",
    );
    assert.equal(printed(result), 'from a child\n');
    assert.equal(printed(result, 'stderr'), 'raw error\n');
  });

  it('holds what a stream is ended with, and calls back; the stream stays open', async () => {
    const result = await run(
      "await new Promise<void>((settle) => process.stdout.end('last\\n', settle));\nprocess.stderr.end('6f6b', 'hex');\nawait new Promise<void>((settle) => process.stderr.end(settle));\nconsole.log('on');",
    );
    assert.equal(printed(result), 'last\non\n');
    assert.equal(printed(result, 'stderr'), 'ok');
  });

  it('of a callback goes to the cell that started it, also while another cell runs', async () => {
    const first: string[] = [];
    await running.kernel.execute(
      "setTimeout(() => console.log('tick'), 50); const later = () => console.log('called');",
      { onOutput: (output) => first.push(output.output_type === 'stream' ? output.text : '') },
    );
    const second = await run('await new Promise((settle) => setTimeout(settle, 150)); later();');
    assert.deepEqual(first, ['tick\n']);
    assert.equal(printed(second), 'called\n');
  });

  it('updates a display by its id and clears', async () => {
    const { outputs } = await run(
      `const show = (text: string, update: boolean) => ${SINK}.publish({ data: { 'text/plain': text }, metadata: { m: 1 } }, { displayId: 'd', update });\n` +
        `show('first', false); show('second', true); ${SINK}.clear({ wait: true });`,
    );
    const transient = { display_id: 'd' };
    assert.deepEqual(outputs, [
      {
        output_type: 'display_data',
        data: { 'text/plain': 'first' },
        metadata: { m: 1 },
        transient,
      },
      {
        output_type: 'update_display_data',
        data: { 'text/plain': 'second' },
        metadata: { m: 1 },
        transient,
      },
      { output_type: 'clear_output', wait: true },
    ]);
  });

  it('shows objects as their Jupyter.display says', async () => {
    const { outputs } = await run(
      "({ [Symbol.for('Jupyter.display')]: () => ({ 'text/html': '<b>1</b>', 'text/plain': '1' }) })",
    );
    assert.deepEqual(
      outputs.map((output) => 'data' in output && output.data),
      [{ 'text/html': '<b>1</b>', 'text/plain': '1' }],
    );
  });

  it("takes tslab's own displays", async () => {
    const { outputs } = await run("import * as tslab from 'tslab'; tslab.display.html('<i>x</i>')");
    assert.deepEqual(outputs, [
      {
        output_type: 'display_data',
        data: { 'text/html': '<i>x</i>' },
        metadata: {},
        transient: {},
      },
    ]);
  });

  it('of an abandoned loop goes on to the cell that started it', async () => {
    let ticks = 0;
    await running.kernel.execute(
      "const timer = setInterval(() => console.log('tick'), 10); void timer;",
      { onOutput: () => ticks++ },
    );
    await pause(200);
    await run('clearInterval(timer)');
    assert.ok(ticks >= 3, `${ticks} ticks`);
  });
});
