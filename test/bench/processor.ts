import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

/**
 * A processor's name with what tells it from others of that name, by a Linux `/proc/cpuinfo`:
 * 'AMD EPYC (family 25, model 17, AVX-512)'. A virtual machine's name alone may stand for processors that differ twofold.
 */
export function describeProcessor(name: string, cpuinfo: string): string {
  const valueOf = (key: string) => new RegExp(`^${key}\\s*: (.+)$`, 'm').exec(cpuinfo)?.[1];
  const family = valueOf('cpu family');
  const model = valueOf('model');
  if (family === undefined || model === undefined) return name;
  const flags = valueOf('flags')?.split(' ') ?? [];
  const vectors = flags.includes('avx512f') ? 'AVX-512' : flags.includes('avx2') ? 'AVX2' : null;
  const known = [`family ${family}`, `model ${model}`, ...(vectors === null ? [] : [vectors])];
  return `${name} (${known.join(', ')})`;
}

/** This machine's processor; only the name where there is no Linux to ask. */
export function thisProcessor(): string {
  const name = cpus()[0].model.trim();
  return process.platform === 'linux'
    ? describeProcessor(name, readFileSync('/proc/cpuinfo', 'utf8'))
    : name;
}
