// Reads mutated files in a process of its own: { name, seed, from, to } asks for a range, { done } and { wrong } answer.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RandomKey, tf } from '@flowbook/sdk';
import { mutated } from './mutate';
import { TARGETS, placeInput, wholeInput } from './targets';

/** What is asked for. */
interface Range {
  name: string;
  seed: number;
  from: number;
  to: number;
}

const folder = mkdtempSync(join(tmpdir(), 'flowbook-fuzz-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
process.on('disconnect', () => process.exit());

/** What is wrong with how an input was read; null when nothing is. */
async function wrongWith(name: string, bytes: Buffer): Promise<string | null> {
  const { path, inner } = placeInput(folder, name, bytes);
  const tensors = tf.memory().numTensors;
  try {
    await TARGETS[name].read(path, inner);
  } catch (error) {
    const { message = String(error), stack } = error as Error;
    if (error instanceof TypeError || !message.startsWith('Cannot '))
      return `is not an error of ours: ${stack ?? message}`;
  }
  if (tf.memory().numTensors !== tensors) return 'leaves tensors';
  if (({} as Record<string, unknown>).polluted !== undefined) return 'changes Object.prototype';
  return null;
}

process.on('message', (range: Range) => {
  void (async () => {
    const { name, seed, from, to } = range;
    const whole = wholeInput(name);
    for (let at = from; at < to; at++) {
      process.send?.({ at });
      const wrong = await wrongWith(name, mutated(whole, RandomKey.fromSeed(seed).fold(name, at)));
      if (wrong !== null) process.send?.({ at, wrong });
    }
    process.send?.({ done: process.memoryUsage().rss });
  })();
});
process.send?.({ ready: true });
