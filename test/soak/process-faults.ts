import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RandomKey } from '@flowbook/sdk';
import { readRunRecord } from '@flowbook/sdk';
import { KernelClient } from '../../kernel-extensions/src/kernel/client';
import { runChild, traceOf } from '../trust/kill/child';
import { draw, requireEqual, undisturbed, type Trial } from './trial';

const CHILD = join(__dirname, '../trust/kill/train-child.ts');
const NAMES = ['FlowGRPO', 'offline Diffusion-DPO'];
const root = join(__dirname, '../..');

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

/** The notebook's connection breaks while a cell trains; the kernel goes on, and the run can be read from its folder. */
export async function disconnect(key: RandomKey, folder: string): Promise<void> {
  const run = join(folder, 'run');
  const kernel = await KernelClient.start({ cwd: root });
  try {
    const code = `
      import { loadPipeline, trainFlowGRPO } from '@flowbook/sdk'
      const pipeline = await loadPipeline('test/golden/models/tiny-qwen-image',
        { height: 32, width: 32, num_inference_steps: 4, algorithm: 'flow_grpo' })
      await trainFlowGRPO(pipeline, { prompts: ['a red fox'], reward: 'redness', groupSize: 2, steps: 20, compile: false,
        runDirectory: ${JSON.stringify(run)} })`;
    kernel.execute(code).catch(() => undefined);
    while ((readRunRecord(run)?.step ?? 0) < 1) await sleep(50);
    await sleep(draw(key, 'wait', 0, 500));
    (kernel as unknown as { channels: { close(): void } }).channels.close();
    const limit = performance.now() + 60_000;
    while (readRunRecord(run)?.state === 'running' && performance.now() < limit) await sleep(100);
    const { state, step } = readRunRecord(run) ?? {};
    assert.deepEqual([state, step], ['finished', 20]);
  } finally {
    kernel.kill();
  }
}
