import assert from 'node:assert/strict';
import type { Message } from '../../../kernel-extensions/src/kernel/protocol/message';
import {
  commsAvailable,
  openComm,
  registerCommTarget,
} from '../../../kernel-extensions/src/kernel/comms';
import { printed, resultText, runningKernel } from './running-kernel';

const IMPORT =
  "import { commsAvailable, openComm, registerCommTarget } from '@flowbook/kernel-extensions';\n";

describe('comms', () => {
  const running = runningKernel();
  const run = (code: string) => running.kernel.execute(IMPORT + code);
  const info = async (content: Record<string, unknown> = {}) =>
    (await running.kernel.request('shell', 'comm_info_request', content)).content;

  /** Resolves with the next message of a type on iopub. */
  function next(type: string, matches: (message: Message) => boolean = () => true) {
    return new Promise<Message>((settle) => {
      const stop = running.kernel.onIopub((message) => {
        if (message.header.msg_type !== type || !matches(message)) return;
        stop();
        settle(message);
      });
    });
  }

  it('openComm() opens one to the front end, with data, metadata and buffers', async () => {
    const opened = next('comm_open');
    const { error } = await run(
      "const comm = openComm('view', { id: 'c1', data: { a: 1 }, metadata: { version: '2' }, buffers: [new Uint8Array([1, 2, 255])] });",
    );
    assert.equal(error, null);
    const message = await opened;
    assert.deepEqual(message.content, { comm_id: 'c1', target_name: 'view', data: { a: 1 } });
    assert.deepEqual(message.metadata, { version: '2' });
    assert.deepEqual(message.buffers, [Buffer.from([1, 2, 255])]);
    assert.equal(message.parent_header.msg_type, 'execute_request');
    const comms = { c1: { target_name: 'view' } };
    assert.deepEqual(await info(), { status: 'ok', comms });
    assert.deepEqual(await info({ target_name: 'view' }), { status: 'ok', comms });
    assert.deepEqual(await info({ target_name: 'other' }), { status: 'ok', comms: {} });
  });

  it('onMessage() gets what the front end sends while a cell runs, and the cell sees it', async () => {
    const code =
      "const stop = openComm('button', { id: 'stop' }); let pressed: unknown = null;\n" +
      'stop.onMessage(({ data, buffers }) => { pressed = [data, [...buffers[0]]]; });\n' +
      'while (!pressed) await new Promise((settle) => setTimeout(settle, 5));\npressed';
    const opened = next('comm_open', ({ content }) => content.comm_id === 'stop');
    const cell = run(code);
    await opened;
    running.kernel.sendComm(
      'comm_msg',
      { comm_id: 'stop', data: { x: 2 } },
      { buffers: [Buffer.from([7])] },
    );
    assert.equal(resultText(await cell), '[ { x: 2 }, [ 7 ] ]');
  });

  it('what a handler prints goes to the cell that opened the comm, its errors too', async () => {
    const outputs: string[] = [];
    await running.kernel.execute(
      `${IMPORT}const loud = openComm('loud', { id: 'loud' });\n` +
        "loud.onMessage(({ data }) => { console.log('got', data.n); if (data.n === 2) throw new RangeError('two') });\n" +
        "loud.onClose(() => console.log('closed', loud.closed));",
      { onOutput: (output) => output.output_type === 'stream' && outputs.push(output.text) },
    );
    for (const n of [1, 2, 3]) {
      running.kernel.sendComm('comm_msg', { comm_id: 'loud', data: { n } });
    }
    running.kernel.sendComm('comm_close', { comm_id: 'loud', data: {} });
    await info();
    await run('await new Promise((settle) => setTimeout(settle, 50))');
    const text = outputs.join('');
    assert.match(text, /^got 1\ngot 2\n.*RangeError: two[^]*got 3\nclosed true\n$/);
    const late = await run('loud.send({})');
    assert.equal(late.error?.evalue, 'Cannot send on a comm as it must be open: "loud" was closed');
  });

  it('registerCommTarget() answers the front end', async () => {
    await run(
      "registerCommTarget('echo', (comm, { data }) => { comm.send({ hello: data.name }); comm.onMessage(({ data, buffers }) => comm.send(data, { buffers })) });",
    );
    const hello = next('comm_msg');
    const content = { comm_id: 'e', target_name: 'echo', data: { name: 'Ada' } };
    running.kernel.sendComm('comm_open', content);
    assert.deepEqual((await hello).content, { comm_id: 'e', data: { hello: 'Ada' } });
    const echo = next('comm_msg');
    running.kernel.sendComm(
      'comm_msg',
      { comm_id: 'e', data: { n: 1 } },
      { buffers: [Buffer.from('bytes')] },
    );
    const message = await echo;
    assert.deepEqual(message.content, { comm_id: 'e', data: { n: 1 } });
    assert.equal(message.buffers[0].toString(), 'bytes');
  });

  it('a comm to a target that nobody registered, or that throws, is closed', async () => {
    await run("registerCommTarget('bad', () => { throw new Error('no') });");
    for (const target of ['nobody', 'bad']) {
      const closed = next('comm_close');
      running.kernel.sendComm('comm_open', { comm_id: target, target_name: target, data: {} });
      assert.equal((await closed).content.comm_id, target);
    }
  });

  it('close() tells the front end and takes the comm off the list', async () => {
    const closed = next('comm_close');
    await run("const brief = openComm('brief', { id: 'brief' }); brief.close({ why: 'done' });");
    assert.deepEqual((await closed).content, { comm_id: 'brief', data: { why: 'done' } });
    const { comms } = (await info()) as { comms: Record<string, unknown> };
    assert.equal('brief' in comms, false);
  });

  it('messages keep the order of what the cell prints', async () => {
    const seen: string[] = [];
    const stop = running.kernel.onIopub(({ header }) => seen.push(header.msg_type));
    const result = await run(
      "console.log('before'); const o = openComm('o'); o.send({}); console.log('after'); o.close();",
    );
    stop();
    assert.equal(printed(result), 'before\nafter\n');
    assert.deepEqual(
      seen.filter((type) => /^(comm|stream)/.test(type)),
      ['stream', 'comm_open', 'comm_msg', 'stream', 'comm_close'],
    );
  });

  it('are closed when the process of the cells dies', async () => {
    const closed = next('comm_close', ({ content }) => content.comm_id === 'lost');
    const died = await run(
      "openComm('lost', { id: 'lost' }); process.kill(process.pid, 'SIGKILL'); await new Promise(() => {})",
    );
    assert.equal(died.error?.ename, 'EngineDied');
    await closed;
    assert.deepEqual(await info(), { status: 'ok', comms: {} });
  });

  it('need the kernel', () => {
    assert.equal(commsAvailable(), false);
    assert.throws(
      () => openComm('x'),
      /^Error: Cannot open a comm to "x" as the code must run in the Flowbook kernel$/,
    );
    assert.throws(
      () => registerCommTarget('x', () => {}),
      /^Error: Cannot register the comm target/,
    );
  });
});
