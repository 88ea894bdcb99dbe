import assert from 'node:assert/strict';
import type { Message } from '../../../kernel-extensions/src/kernel/protocol/message';
import { pause, runningKernel } from './running-kernel';

const CODE = { code: 'Math.flo', cursor_pos: 8 };

/** A request of each kind that has a reply, and changes nothing. */
const QUESTIONS = [
  ['shell', 'kernel_info_request', {}],
  ['shell', 'complete_request', CODE],
  ['shell', 'inspect_request', { ...CODE, detail_level: 0 }],
  ['shell', 'is_complete_request', { code: '1' }],
  ['shell', 'history_request', { hist_access_type: 'tail', n: 5 }],
  ['shell', 'comm_info_request', {}],
  ['control', 'kernel_info_request', {}],
] as const;

describe('status', () => {
  const running = runningKernel();

  /** The states that were published while `work` went on, by the request that they belong to, and the last of all. */
  async function statesDuring(work: () => Promise<unknown>) {
    const states = new Map<string, string[]>();
    let last = '';
    const stop = running.kernel.onIopub(({ header, parent_header, content }: Message) => {
      if (header.msg_type !== 'status') return;
      last = String(content.execution_state);
      const ofRequest = states.get(parent_header.msg_id) ?? [];
      states.set(parent_header.msg_id, [...ofRequest, last]);
    });
    await work();
    await pause(50);
    stop();
    return { states: [...states.values()], last };
  }

  const askAll = () =>
    Promise.all(
      QUESTIONS.map(([channel, type, content]) => running.kernel.request(channel, type, content)),
    );

  it('is busy and idle once for each request, whatever its kind', async () => {
    const { states, last } = await statesDuring(askAll);
    assert.deepEqual(states, Array(QUESTIONS.length).fill(['busy', 'idle']));
    assert.equal(last, 'idle');
  });

  it('is busy and idle once for each request that comes while a cell runs, which goes on to be busy', async () => {
    const { states, last } = await statesDuring(async () => {
      const started = new Promise<void>((settle) => {
        const stop = running.kernel.onIopub(({ header }) => {
          if (header.msg_type !== 'execute_input') return;
          stop();
          settle();
        });
      });
      const cell = running.kernel.execute('await new Promise(() => {});');
      await started;
      await askAll();
      await running.kernel.interrupt();
      await cell;
    });
    const [ofCell, ...others] = states;
    const interruptToo = QUESTIONS.length + 1;
    assert.deepEqual(others, Array(interruptToo).fill(['busy', 'idle']));
    // Clients show what was said last: of the cell, busy is said again after each.
    assert.deepEqual(ofCell, [...Array(1 + interruptToo).fill('busy'), 'idle']);
    assert.equal(last, 'idle');
  });

  it('is busy and idle once for a cell that fails and for those that are aborted behind it', async () => {
    const { states, last } = await statesDuring(async () => {
      const cells = ["throw new Error('stop')", '2', '3'].map((code) =>
        running.kernel.execute(code),
      );
      const results = await Promise.all(cells);
      assert.deepEqual(
        results.map(({ status }) => status),
        ['error', 'aborted', 'aborted'],
      );
    });
    assert.deepEqual(states, Array(3).fill(['busy', 'idle']));
    assert.equal(last, 'idle');
  });
});
