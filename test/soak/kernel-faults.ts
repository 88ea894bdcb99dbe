import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RandomKey } from '@flowbook/sdk';
import { readRunRecord } from '@flowbook/sdk';
import { KernelClient } from '../../kernel-extensions/src/kernel/client';
import { resultText } from '../kernel-extensions/kernel/running-kernel';
import { traceOf } from '../trust/kill/child';
import { draw, requireEqual, undisturbed } from './trial';

const root = join(__dirname, '../..');

async function withKernel<Result>(
  work: (kernel: KernelClient) => Promise<Result>,
): Promise<Result> {
  const kernel = await KernelClient.start({ cwd: root });
  try {
    return await work(kernel);
  } finally {
    kernel.kill();
  }
}

/** A cell that trains. */
const training = (run: string) => `
  import { loadPipeline, trainFlowGRPO } from '@flowbook/sdk'
  const pipeline = await loadPipeline('test/golden/models/tiny-qwen-image',
    { height: 32, width: 32, num_inference_steps: 4, algorithm: 'flow_grpo' })
  await trainFlowGRPO(pipeline, { prompts: ['a red fox'], reward: 'redness', groupSize: 2, steps: 20, compile: false,
    evaluation: { prompts: ['a red fox'], reward: 'redness', everySteps: 10, numInferenceSteps: 2 },
    runDirectory: ${JSON.stringify(run)} })`;

/** The notebook's connection breaks while a cell trains; the kernel goes on, and its run is what it is without that. */
export async function disconnect(key: RandomKey, folder: string): Promise<void> {
  const expected = await undisturbed('disconnect', () =>
    withKernel(async (kernel) => {
      const run = join(folder, 'whole');
      const { status, error } = await kernel.execute(training(run));
      assert.equal(status, 'ok', error?.evalue);
      return traceOf(run);
    }),
  );
  const run = join(folder, 'run');
  await withKernel(async (kernel) => {
    kernel.execute(training(run)).catch(() => undefined);
    while ((readRunRecord(run)?.step ?? 0) < 1) await sleep(50);
    await sleep(draw(key, 'wait', 0, 500));
    (kernel as unknown as { channels: { close(): void } }).channels.close();
    while (readRunRecord(run)?.state === 'running') await sleep(100);
    assert.equal(readRunRecord(run)?.state, 'finished');
    requireEqual(traceOf(run), expected);
  });
}

const LOOPS = [
  'for (;;) count++',
  'for (;;) { try { for (;;) count++ } catch {} finally {} }',
  'for (;;) { await new Promise((settle) => setTimeout(settle, 5)); count++ }',
  'count++; await new Promise(() => {})',
];

/** A running cell is interrupted at a random moment: it ends, and what the cells before it made is there. */
export async function interruptCell(key: RandomKey): Promise<void> {
  const kept = draw(key, 'kept', 0, 1_000_000);
  await withKernel(async (kernel) => {
    await kernel.execute(`const kept = { number: ${kept} }; let count = 0`);
    let isRunning = false;
    const loop = LOOPS[draw(key, 'loop', 0, LOOPS.length)];
    const cell = kernel.execute(`console.log('runs');\n${loop}`, {
      onOutput: () => (isRunning = true),
    });
    while (!isRunning) await sleep(20);
    await sleep(draw(key, 'cell wait', 0, 1_000));
    await kernel.interrupt();
    const { error } = await cell;
    assert.equal(error?.ename, 'Interrupted');
    const after = await kernel.execute('count > 0 ? kept.number : null');
    assert.equal(resultText(after), String(kept), 'the kernel lost what its cells had made');
  });
}
