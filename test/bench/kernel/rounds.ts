import { KernelClient } from '../../../kernel-extensions/src/kernel/client';
import { median } from '../statistics';
import type { MeasuredKernel } from './peer-kernels';

/** Milliseconds of one measure; null where the kernel did not do it in time. */
type Milliseconds = number | null;
type Sample = Record<string, Milliseconds>;

export interface KernelBench {
  node: string;
  rounds: number;
  /** Measure -> kernel -> median; null where a kernel never did it. */
  medians: Record<string, Record<string, Milliseconds>>;
  samples: Record<string, Record<string, Milliseconds[]>>;
}

const TRIVIAL_CELLS = 20;
const INTERRUPT_PATIENCE_MS = 5000;

/** Measures each kernel once a round, in turn: what slows the machine for a while slows them all. */
export async function runRounds(
  kernels: readonly MeasuredKernel[],
  rounds: number,
  report: (line: string) => void,
): Promise<KernelBench> {
  const samples: KernelBench['samples'] = {};
  for (let round = 1; round <= rounds; round++) {
    for (const kernel of kernels) {
      report(`round ${round} of ${rounds}: ${kernel.name}`);
      for (const [measure, ms] of Object.entries(await measureKernel(kernel))) {
        ((samples[measure] ??= {})[kernel.name] ??= []).push(ms);
      }
    }
  }
  return { node: process.version, rounds, medians: mediansOf(samples), samples };
}

/** The middle of each list; one that holds a null has none. */
export function mediansOf(samples: KernelBench['samples']): KernelBench['medians'] {
  const middle = (values: Milliseconds[]) =>
    values.includes(null) ? null : median(values as number[]);
  return Object.fromEntries(
    Object.entries(samples).map(([measure, of]) => [
      measure,
      Object.fromEntries(Object.entries(of).map(([name, values]) => [name, middle(values)])),
    ]),
  );
}

async function measureKernel({ kernelspec, programs }: MeasuredKernel): Promise<Sample> {
  const sample: Sample = {};
  let kernel!: KernelClient;
  const time = async (work: () => Promise<unknown>) => {
    const started = performance.now();
    await work();
    return performance.now() - started;
  };
  const middleOf = async (count: number, work: () => Promise<unknown>) => {
    const times: number[] = [];
    for (let i = 0; i < count; i++) times.push(await time(work));
    return median(times);
  };
  sample['start to kernel_info'] = await time(async () => {
    kernel = await KernelClient.start({ kernelspec });
  });
  try {
    const { completion, help, print, loop } = programs;
    sample['first cell'] = await time(() => kernel.execute('1 + 1'));
    sample['trivial cell'] = await middleOf(TRIVIAL_CELLS, () => kernel.execute('1 + 1'));
    if (completion.startsWith('math')) await kernel.execute('import math');
    sample['completion'] = await middleOf(9, () => kernel.complete(completion, completion.length));
    sample['help'] = await middleOf(9, () => kernel.inspect(help, help.length));
    sample['10,000 printed lines'] = await time(() => kernel.execute(print));
    if (kernelspec === undefined) await measureWithTensorFlow(kernel, sample, middleOf);
    sample['stop of an endless loop'] = await interruptTime(kernel, loop);
  } finally {
    kernel.kill();
  }
  return sample;
}

async function measureWithTensorFlow(
  kernel: KernelClient,
  sample: Sample,
  middleOf: (count: number, work: () => Promise<unknown>) => Promise<number>,
): Promise<void> {
  await kernel.execute("import * as tf from '@tensorflow/tfjs';");
  let n = 0;
  sample['cell, tfjs imported'] = await middleOf(TRIVIAL_CELLS, () =>
    kernel.execute(`const x${++n} = tf.scalar(${n}); x${n}.dispose();`),
  );
  sample['completion, tfjs imported'] = await middleOf(9, () => kernel.complete('tf.tensor2', 10));
  sample['help, tfjs imported'] = await middleOf(9, () => kernel.inspect('tf.tensor2d(', 12));
}

async function interruptTime(kernel: KernelClient, loop: string): Promise<Milliseconds> {
  const cell = kernel.execute(loop).then(
    () => performance.now(),
    () => null,
  );
  await new Promise((settle) => setTimeout(settle, 500));
  const asked = performance.now();
  kernel.interrupt().catch(() => {});
  const ended = await Promise.race([
    cell,
    new Promise<null>((settle) => setTimeout(() => settle(null), INTERRUPT_PATIENCE_MS)),
  ]);
  return ended === null ? null : ended - asked;
}
