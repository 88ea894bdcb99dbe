import assert from 'node:assert/strict';
import ts from 'typescript';
import {
  createHeader,
  MessageCodec,
  type Message,
} from '../../../kernel-extensions/src/kernel/protocol/message';
import { pause, resultText, runningKernel } from './running-kernel';

describe('the kernel', () => {
  const running = runningKernel();
  const ask = async (type: string, content: Record<string, unknown>) =>
    (await running.kernel.request('shell', type, content)).content;

  it('introduces itself, on shell and on control', async () => {
    const info = await ask('kernel_info_request', {});
    assert.equal(info.status, 'ok');
    assert.equal(info.protocol_version, '5.4');
    assert.equal(info.implementation, 'flowbook');
    const language = info.language_info as Record<string, unknown>;
    assert.equal(language.name, 'typescript');
    assert.equal(language.file_extension, '.ts');
    assert.equal(language.version, ts.version);
    const again = await running.kernel.request('control', 'kernel_info_request', {});
    assert.deepEqual(again.content, info);
  });

  it('publishes busy, the input, the output, and idle, all with the header of the request', async () => {
    const seen: Message[] = [];
    const stop = running.kernel.onIopub((message) => seen.push(message));
    const result = await running.kernel.execute("console.log('x'); 1");
    stop();
    assert.deepEqual(
      seen.map(({ header, content }) => [header.msg_type, content.execution_state ?? '']),
      [
        ['status', 'busy'],
        ['execute_input', ''],
        ['stream', ''],
        ['execute_result', ''],
        ['status', 'idle'],
      ],
    );
    assert.equal(new Set(seen.map((message) => message.parent_header.msg_id)).size, 1);
    const input = { code: "console.log('x'); 1", execution_count: result.executionCount };
    assert.deepEqual(seen[1].content, input);
  });

  it('counts cells, but not silent ones and not those without history', async () => {
    const first = (await running.kernel.execute('1')).executionCount ?? 0;
    const silent = await running.kernel.execute("console.log('heard'); 2", { silent: true });
    const unstored = await running.kernel.execute('3', { storeHistory: false });
    const last = await running.kernel.execute('4');
    assert.deepEqual(
      silent.outputs.map(({ output_type }) => output_type),
      ['stream'],
    );
    assert.equal(resultText(unstored), '3');
    assert.equal(last.executionCount, first + 1);
  });

  it('aborts the cells that wait behind an error, and goes on', async () => {
    const [failed, second, third] = await Promise.all([
      running.kernel.execute("throw new Error('stop here')"),
      running.kernel.execute('let reached = 2;'),
      running.kernel.execute('let reached3 = 3;'),
    ]);
    assert.deepEqual([failed.status, second.status, third.status], ['error', 'aborted', 'aborted']);
    assert.deepEqual(second.outputs, []);
    const next = await running.kernel.execute('typeof (globalThis as any).reached');
    assert.equal(resultText(next), 'undefined');
  });

  it('runs the cells behind an error when stop_on_error is false', async () => {
    const [failed, second] = await Promise.all([
      running.kernel.execute("throw new Error('go on')", { stopOnError: false }),
      running.kernel.execute('2'),
    ]);
    assert.deepEqual([failed.status, second.status], ['error', 'ok']);
  });

  it('evaluates user expressions after the cell', async () => {
    const { userExpressions } = await running.kernel.execute('let u = 5;', {
      userExpressions: { twice: 'u * 2', broken: 'noSuchName' },
    });
    assert.deepEqual(userExpressions.twice, {
      status: 'ok',
      data: { 'text/plain': '10' },
      metadata: {},
    });
    assert.equal(userExpressions.broken.status, 'error');
  });

  it('asks for input through the client', async () => {
    const code =
      "const ask = (globalThis as any)[Symbol.for('flowbook.input')] as (prompt: string, password: boolean) => Promise<string>;\nawait ask('name? ', true)";
    const asked: unknown[] = [];
    const answered = await running.kernel.execute(code, {
      onInput: (prompt, password) => {
        asked.push(prompt, password);
        return 'Ada';
      },
    });
    assert.deepEqual(asked, ['name? ', true]);
    assert.equal(resultText(answered), 'Ada');
    const refused = await running.kernel.execute(code);
    assert.equal(
      refused.error?.evalue,
      'Cannot ask for input as the client must allow it: "name? "',
    );
  });

  it('fails where the client cannot answer a question for input', async () => {
    const code = "await (globalThis as any)[Symbol.for('flowbook.input')]('name? ', false)";
    const { error } = await running.kernel.execute(code, {
      onInput: () => Promise.reject(new Error('nobody is there')),
    });
    assert.equal(error?.evalue, 'nobody is there');
  });

  it('completes the name under the cursor alone, counting code points', async () => {
    assert.deepEqual(
      await running.kernel
        .complete('Math.flo', 8)
        .then(({ matches, cursor_start, cursor_end }) => ({
          matches,
          cursor_start,
          cursor_end,
        })),
      { matches: ['floor'], cursor_start: 5, cursor_end: 8 },
    );
    await running.kernel.execute('const settings = { learningRate: 1, steps: 2 };');
    const reply = await running.kernel.complete("'😀'; settings.lear", 18);
    assert.deepEqual(reply.matches, ['learningRate']);
    assert.deepEqual([reply.cursor_start, reply.cursor_end], [14, 18]);
  });

  it('inspects a name: its type and its documentation', async () => {
    await running.kernel.execute(
      '/** Doubles a number. */\nfunction double(x: number) { return 2 * x }',
    );
    const { found, data } = await running.kernel.inspect('double(1)', 3);
    assert.equal(found, true);
    assert.equal(data['text/plain'], 'function double(x: number): number\n\nDoubles a number.');
    assert.match(data['text/markdown'], /^```typescript\nfunction double/);
    assert.deepEqual(await running.kernel.inspect('   ', 1), {
      status: 'ok',
      found: false,
      data: {},
      metadata: {},
    });
  });

  it('tells whether code is complete', async () => {
    const status = async (code: string) => await ask('is_complete_request', { code });
    assert.deepEqual(await status('const a = 1;'), { status: 'complete' });
    assert.deepEqual(await status('function f() {'), { status: 'incomplete', indent: '  ' });
    assert.deepEqual(await status('f(`a'), { status: 'incomplete', indent: '' });
    assert.deepEqual(await status('const = 1'), { status: 'invalid' });
  });

  it('remembers what was run', async () => {
    await running.kernel.execute('"history " + 1');
    const tail = await ask('history_request', {
      hist_access_type: 'tail',
      n: 1,
      output: true,
      raw: true,
    });
    const [[session, line, entry]] = tail.history as [[number, number, [string, string]]];
    assert.deepEqual(entry, ['"history " + 1', 'history 1']);
    const range = {
      hist_access_type: 'range',
      session,
      start: line,
      stop: line + 1,
      output: false,
    };
    assert.deepEqual((await ask('history_request', range)).history, [
      [session, line, '"history " + 1'],
    ]);
    const search = {
      hist_access_type: 'search',
      pattern: '*history*',
      output: false,
      unique: true,
    };
    assert.deepEqual((await ask('history_request', search)).history, [
      [session, line, '"history " + 1'],
    ]);
  });

  it('drops messages that are not signed with its key, and answers the next', async () => {
    let published = 0;
    const stop = running.kernel.onIopub(() => published++);
    const forged = new MessageCodec('another key').encode({
      identities: [],
      header: createHeader('execute_request', 'forged'),
      parent_header: {},
      metadata: {},
      content: { code: '1' },
      buffers: [],
    });
    running.kernel.sendRaw('shell', forged);
    running.kernel.sendRaw('shell', [Buffer.from('no delimiter')]);
    running.kernel.sendRaw('control', forged);
    await pause(200);
    stop();
    assert.equal(published, 0);
    assert.equal(resultText(await running.kernel.execute('1 + 1')), '2');
  });

  it('answers on control while a cell keeps the main thread busy', async () => {
    let hasEnded = false;
    const cell = running.kernel
      .execute('for (const end = Date.now() + 3000; Date.now() < end; ) {}')
      .then(() => (hasEnded = true));
    await pause(100);
    await running.kernel.request('control', 'kernel_info_request', {});
    assert.equal(hasEnded, false);
    await cell;
  });
});
