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
});
