import assert from 'node:assert/strict';
import { join } from 'node:path';
import { runChild, traceOf } from '../trust/kill/child';
import { draw, requireEqual, undisturbed, type Trial } from './trial';

const CHILD = join(__dirname, '../trust/kill/train-child.ts');
const NAMES = ['FlowGRPO', 'offline Diffusion-DPO'];

/** What a child that nothing disturbs leaves. */
function whole(name: string, folder: string): Promise<object> {
  return undisturbed(name, async () => {
    const at = join(folder, 'whole');
    assert.equal((await runChild(CHILD, [name, at], null)).code, 0);
    return traceOf(at);
  });
}

/** Stops a training at a random moment by one of some signals, starts it again until it is done, and compares. */
function stoppedBy(signals: readonly NodeJS.Signals[]): Trial {
  return async (key, folder) => {
    const name = NAMES[draw(key, 'name', 0, NAMES.length)];
    const expected = await whole(name, folder);
    const run = join(folder, 'run');
    const signal = signals[draw(key, 'signal', 0, signals.length)];
    const moment = { lines: draw(key, 'lines', 1, 6), waitMs: draw(key, 'wait', 0, 200) };
    await runChild(CHILD, [name, run], moment, signal);
    const { code, stderr } = await runChild(CHILD, [name, run], null);
    assert.equal(code, 0, stderr);
    requireEqual(traceOf(run), expected);
  };
}

/** SIGKILL in steps and in saves. */
export const kill = stoppedBy(['SIGKILL']);

/** SIGINT and SIGTERM, which a training ends with a checkpoint. */
export const interrupt = stoppedBy(['SIGINT', 'SIGTERM']);
