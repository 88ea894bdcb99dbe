import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { outputFence } from '../../../kernel-extensions/src/kernel/engine-messages';
import {
  channelAddress,
  type ConnectionInfo,
} from '../../../kernel-extensions/src/kernel/protocol/connection-file';
import {
  createHeader,
  MessageCodec,
  type Message,
} from '../../../kernel-extensions/src/kernel/protocol/message';
import { OrderedSender } from '../../../kernel-extensions/src/kernel/protocol/ordered-sender';
import {
  toCodePoints,
  toUtf16Offset,
} from '../../../kernel-extensions/src/kernel/server/code-points';
import { InputChannel } from '../../../kernel-extensions/src/kernel/server/input-channel';
import { RawOutput } from '../../../kernel-extensions/src/kernel/server/raw-output';
import { pause } from './running-kernel';

const message: Message = {
  identities: [Buffer.from('peer')],
  header: createHeader('execute_request', 'session'),
  parent_header: {},
  metadata: { m: 1 },
  content: { code: 'é😀' },
  buffers: [Buffer.from([0, 255])],
};

describe('MessageCodec', () => {
  const codec = new MessageCodec('key');

  it('decode() returns what encode() was given', () => {
    assert.deepEqual(codec.decode(codec.encode(message)), message);
  });

  it('decode() refuses a changed part, another key, and too few frames', () => {
    const frames = codec.encode(message);
    const changed = [...frames];
    changed[6] = Buffer.from('{"code":"other"}');
    const signature = /^Error: Cannot accept a message as its signature must match the key/;
    assert.throws(() => codec.decode(changed), signature);
    assert.throws(() => new MessageCodec('other').decode(frames), signature);
    assert.throws(
      () => codec.decode(frames.slice(0, 4)),
      /^Error: Cannot read a message as it must/,
    );
  });

  it('encode() signs nothing with an empty key', () => {
    assert.equal(new MessageCodec('').encode(message)[2].length, 0);
  });
});

describe('InputChannel', () => {
  const codec = new MessageCodec('');
  const sent: Message[] = [];
  const socket = { send: async (frames: Buffer[]) => void sent.push(codec.decode(frames)) };
  const cell = (): Message => ({ ...message, header: createHeader('execute_request', 'session') });
  const reply = (value: string, parent: Message['parent_header'] = {}): Message => ({
    ...message,
    parent_header: parent,
    content: { value },
  });

  it('gives an answer to the oldest question that somebody waits for', async () => {
    const inputs = new InputChannel(socket as never, codec, 'session');
    const [interrupted, later] = [cell(), cell()];
    const answers: string[] = [];
    void inputs.ask(interrupted, 'first ', false).then((value) => answers.push(`first ${value}`));
    void inputs.ask(later, 'second ', false).then((value) => answers.push(`second ${value}`));
    inputs.forget(interrupted);
    await pause(10);
    inputs.receive(reply('for nobody', sent[0].header));
    inputs.receive(reply('one'));
    inputs.receive(reply('two'));
    void inputs.ask(later, 'third ', false).then((value) => answers.push(`third ${value}`));
    inputs.forget();
    inputs.receive(reply('three'));
    await pause(10);
    assert.deepEqual(answers, ['second one']);
  });
});

describe('channelAddress()', () => {
  it('channelAddress() writes TCP and IPC addresses', () => {
    const info = { ip: '127.0.0.1', shell_port: 5 } as ConnectionInfo;
    assert.equal(channelAddress({ ...info, transport: 'tcp' }, 'shell'), 'tcp://127.0.0.1:5');
    assert.equal(
      channelAddress({ ...info, transport: 'ipc', ip: '/tmp/k' }, 'shell'),
      'ipc:///tmp/k-5',
    );
  });
});

describe('OrderedSender', () => {
  it('send() never has two messages under way, keeps their order, and survives a refused one', async () => {
    const sent: string[] = [];
    let underWay = 0;
    const sender = new OrderedSender({
      async send([frame]) {
        assert.equal(++underWay, 1);
        await null;
        underWay -= 1;
        sent.push(frame.toString());
      },
    });
    for (let i = 0; i < 3000; i++) sender.send([Buffer.from(String(i))]);
    await sender.flushed();
    assert.deepEqual(
      sent,
      Array.from({ length: 3000 }, (_, i) => String(i)),
    );
  });
});

describe('code points', () => {
  it('toUtf16Offset() and toCodePoints() are inverse', () => {
    const text = 'a😀b𝒳c';
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5, 9].map((n) => toUtf16Offset(text, n)),
      [0, 1, 3, 4, 6, 7, 7],
    );
    assert.deepEqual(
      [0, 1, 3, 4, 6, 7].map((n) => toCodePoints(text, n)),
      [0, 1, 2, 3, 4, 5],
    );
  });
});

describe('RawOutput', () => {
  it('fence() settles when all text before the end of a cell was passed on, however it is cut', async () => {
    const stream = new PassThrough();
    let text = '';
    const raw = new RawOutput(stream, (part) => (text += part));
    let reached = false;
    void raw.fence(3).then(() => (reached = true));
    for (const byte of Buffer.from(`é before${outputFence(3)}`)) {
      assert.equal(reached, false);
      stream.write(Buffer.from([byte]));
      await pause(0);
    }
    assert.equal(reached, true);
    assert.equal(text, 'é before');
    await raw.fence(2);
  });

  it('passes a lone zero byte on when the stream ends', async () => {
    const stream = new PassThrough();
    let text = '';
    const raw = new RawOutput(stream, (part) => (text += part));
    stream.end('x\u0000y');
    await raw.fence(9);
    assert.equal(text, 'x\u0000y');
  });
});
