import assert from 'node:assert/strict';
import type { CellContext } from '../../../kernel-extensions/src/kernel/engine/cell-context';
import { CommRegistry } from '../../../kernel-extensions/src/kernel/engine/comm-registry';
import type { CommTraffic } from '../../../kernel-extensions/src/kernel/engine-messages';

const ofFrontEnd = (type: CommTraffic['type'], data: Record<string, unknown>): CommTraffic => ({
  type,
  id: 'page',
  cell: 0,
  data,
  metadata: {},
  buffers: [],
  ...(type === 'comm_open' ? { targetName: 'control' } : {}),
});

describe('CommRegistry', () => {
  it('hands on messages that come in one piece with the opening of their comm, in order', () => {
    const waiting: (() => unknown)[] = [];
    const comms = new CommRegistry({
      send: () => {},
      currentCell: () => ({ id: 1 }) as CellContext,
      callBack: (_cell, work) => void waiting.push(work),
    });
    const seen: unknown[] = [];
    comms.register('control', (comm, opened) => {
      seen.push(opened.data);
      comm.onMessage(({ data }) => seen.push(data));
      comm.onClose(({ data }) => seen.push(data));
    });
    comms.receive(ofFrontEnd('comm_open', { a: 0 }));
    comms.receive(ofFrontEnd('comm_msg', { a: 1 }));
    comms.receive(ofFrontEnd('comm_msg', { a: 2 }));
    comms.receive(ofFrontEnd('comm_close', { a: 3 }));
    assert.deepEqual(seen, []);
    for (const work of waiting) void work();
    assert.deepEqual(seen, [{ a: 0 }, { a: 1 }, { a: 2 }, { a: 3 }]);
  });

  it('sends data that is no plain object as JSON has it', () => {
    const sent: unknown[] = [];
    const comms = new CommRegistry({
      send: ({ data }) => sent.push(data),
      currentCell: () => ({ id: 1 }) as CellContext,
      callBack: () => {},
    });
    const comm = comms.open('plot', {});
    const kinds: unknown[] = [
      [1, { at: new Date(0) }],
      null,
      { n: 1n, toJSON: () => ({ n: '1' }) },
    ];
    for (const data of kinds) comm.send(data as Record<string, unknown>);
    assert.deepEqual(sent, [{}, [1, { at: '1970-01-01T00:00:00.000Z' }], null, { n: '1' }]);
    const refused = { toJSON: () => ({ n: 1n }) };
    assert.throws(() => comm.send(refused), {
      message:
        'Cannot send data on the comm "plot" as JSON must be able to hold it: current value of "n" is 1n',
    });
  });

  it('sends what JSON holds and bytes, and names what is neither', () => {
    const sent: CommTraffic[] = [];
    const comms = new CommRegistry({
      send: (traffic) => sent.push(traffic),
      currentCell: () => ({ id: 1 }) as CellContext,
      callBack: () => {},
    });
    const comm = comms.open('plot', {});
    const buffer = Float32Array.of(1, 2).buffer;
    comm.send({ at: new Date(0) }, { buffers: [new Uint8Array(buffer, 4), buffer as never] });
    const { data, buffers } = sent[1];
    assert.deepEqual(data, { at: '1970-01-01T00:00:00.000Z' });
    assert.deepEqual(
      buffers.map(({ length }) => length),
      [4, 8],
    );
    const holder: Record<string, unknown> = {};
    holder.self = { holder };
    const refused: [() => void, string][] = [
      [
        () => comm.send({ n: 1n }),
        '"n" on the comm "plot" as JSON must be able to hold it: current value is 1n',
      ],
      [
        () => comm.send({ list: [{ n: 2n }] }),
        '"list" on the comm "plot" as JSON must be able to hold it: current value of "n" is 2n',
      ],
      [
        () => comm.send(holder),
        '"self" on the comm "plot" as JSON must be able to hold it: current value of "self" is an object that holds it',
      ],
      [
        () => comm.send({}, { buffers: ['text' as never] }),
        'on the comm "plot" as its buffers must be bytes: current value is \'text\'',
      ],
    ];
    for (const [send, message] of refused) {
      assert.throws(send, { name: 'TypeError', message: `Cannot send ${message}` });
    }
    assert.equal(sent.length, 2);
  });
});
