import { readFileSync } from 'node:fs';
import { platform } from 'node:os';
import { backendInfo } from './backend';

/** The processor's instructions, by the flags that Linux lists of it; none elsewhere. */
export function processorFlags(cpuinfo = readCpuinfo()): ReadonlySet<string> {
  const line = /^flags\s*:(.*)$/m.exec(cpuinfo)?.[1] ?? '';
  return new Set(line.trim().split(/\s+/));
}

/** Whether TensorFlow's products are oneDNN's, on a processor with one of these instructions. */
export function hasProductsBy(...instructions: readonly string[]): boolean {
  const isOff = /^(0|false)$/i.test(process.env.TF_ENABLE_ONEDNN_OPTS ?? '');
  if (backendInfo().device === 'CUDA' || isOff) return false;
  const flags = processorFlags();
  return instructions.some((name) => flags.has(name));
}

function readCpuinfo(): string {
  return platform() === 'linux' ? readFileSync('/proc/cpuinfo', 'utf8') : '';
}
