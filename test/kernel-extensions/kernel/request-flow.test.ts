import assert from 'node:assert/strict';
import { createHeader, type Message } from '../../../kernel-extensions/src/kernel/protocol/message';
import {
  RequestFlow,
  type ReplyContent,
} from '../../../kernel-extensions/src/kernel/server/request-flow';
import { pause } from './running-kernel';

function request(type: string, content: Record<string, unknown> = {}): Message {
  const header = createHeader(type, 'client');
  return { identities: [], header, parent_header: {}, metadata: {}, content, buffers: [] };
}

/**
 * A flow with what it says, as `busy TYPE`, `reply TYPE` and `idle TYPE`. Cells end when they are told to, and a comm is
 * opened in so many steps.
 */
function recordedFlow(openingSteps = 0) {
  const said: string[] = [];
  const note = (what: string, { header }: Message) => {
    said.push(`${what} ${header.msg_type.replace('_request', '')}`);
  };
  const openComms = new Set<unknown>();
  const cells: ((content: ReplyContent) => void)[] = [];
  const flow = new RequestFlow({
    async answer(_channel, { header, content }) {
      if (header.msg_type === 'comm_open') {
        openComms.add(content.comm_id);
        await steps(openingSteps);
      }
      if (header.msg_type.startsWith('comm_')) return null;
      if (header.msg_type !== 'execute_request') return { status: 'ok' };
      return new Promise((settle) => cells.push(settle));
    },
    reply: (_channel, message) => note('reply', message),
    status: note,
    isOpenComm: (id) => openComms.has(id),
  });
  return { flow, said, endCell: () => cells.shift()?.({ status: 'ok' }) };
}

async function steps(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await null;
}

describe('RequestFlow', () => {
  it('ends with idle when JupyterLab opens its comm, whenever the message on it arrives', async () => {
    for (let at = 0; at < 100; at++) {
      const { flow, said } = recordedFlow(Math.floor(at / 10));
      flow.receiveShell(request('comm_open', { comm_id: 'widgets' }));
      await steps(at % 10);
      flow.receiveShell(request('comm_msg', { comm_id: 'widgets' }));
      await pause(0);
      const open = ['busy comm_open', 'idle comm_open'];
      const message = ['busy comm_msg', 'idle comm_msg'];
      assert.deepEqual([...said].sort(), [...message, ...open].sort(), said.join(', '));
      assert.match(said.at(-1) ?? '', /^idle/, `case ${at}: ${said.join(', ')}`);
    }
  });

  it('says no busy of a cell after its idle, whenever another request is answered', async () => {
    for (let between = 0; between < 20; between++) {
      const { flow, said, endCell } = recordedFlow();
      flow.receiveShell(request('execute_request'));
      endCell();
      await steps(between);
      flow.receiveControl(request('kernel_info_request'));
      await pause(0);
      const ended = said.indexOf('idle execute');
      assert.ok(ended > 0, said.join(', '));
      assert.ok(said.lastIndexOf('busy execute') < ended, `${between} steps: ${said.join(', ')}`);
      assert.match(said.at(-1) ?? '', /^idle/, `${between} steps: ${said.join(', ')}`);
    }
  });

  it('says busy again of a cell that runs on', async () => {
    const { flow, said, endCell } = recordedFlow();
    flow.receiveShell(request('execute_request'));
    flow.receiveControl(request('kernel_info_request'));
    await pause(0);
    endCell();
    await pause(0);
    assert.deepEqual(said, [
      ...['busy execute', 'busy kernel_info', 'reply kernel_info', 'idle kernel_info'],
      ...['busy execute', 'reply execute', 'idle execute'],
    ]);
  });

  it('answers what only asks before a cell that waits, too', async () => {
    const { flow, said } = recordedFlow();
    flow.receiveShell(request('complete_request'));
    flow.receiveShell(request('execute_request'));
    flow.receiveShell(request('comm_info_request'));
    await pause(0);
    assert.ok(said.includes('idle comm_info'), said.join(', '));
    assert.ok(!said.includes('idle execute'));
  });

  it('lets no message on a comm overtake one that waits since before the comm was open', async () => {
    const { flow, said, endCell } = recordedFlow();
    flow.receiveShell(request('execute_request'));
    flow.receiveShell(request('comm_open', { comm_id: 'late' }));
    flow.receiveShell(request('execute_request'));
    flow.receiveShell(request('comm_msg', { comm_id: 'late' }));
    endCell();
    await pause(0);
    assert.ok(said.includes('idle comm_open'), said.join(', '));
    flow.receiveShell(request('comm_close', { comm_id: 'late' }));
    endCell();
    await pause(0);
    const comms = said.filter((what) => /^busy comm/.test(what));
    assert.deepEqual(comms, ['busy comm_open', 'busy comm_msg', 'busy comm_close']);
  });

  it('answers cells that are aborted, with busy and idle of their own', async () => {
    const { flow, said, endCell } = recordedFlow();
    flow.receiveShell(request('execute_request'));
    flow.receiveShell(request('execute_request'));
    flow.abortCells();
    endCell();
    await pause(0);
    const answered = ['busy execute', 'reply execute', 'idle execute'];
    assert.deepEqual(said, [...answered, ...answered]);
  });

  it('says idle of the cell that ran when its process has ended', async () => {
    const { flow, said } = recordedFlow();
    flow.receiveShell(request('execute_request'));
    flow.receiveControl(request('shutdown_request'));
    await pause(0);
    flow.stop();
    flow.stop();
    assert.deepEqual(said.slice(-3), ['idle shutdown', 'busy execute', 'idle execute']);
  });
});
