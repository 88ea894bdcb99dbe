import { readFileSync } from 'node:fs';
import { platform } from 'node:os';
import { backendInfo } from './backend';

/** Instructions that multiply bfloat16. */
const INSTRUCTIONS = ['avx512_bf16', 'amx_bf16', 'svebf16', 'bf16'];

/** Whether the processor multiplies bfloat16, by the flags that Linux lists of it. */
export function hasBfloat16Products(cpuinfo = readCpuinfo()): boolean {
  const line = /^(?:flags|Features)\s*:(.*)$/m.exec(cpuinfo)?.[1] ?? '';
  const flags = new Set(line.trim().split(/\s+/));
  return INSTRUCTIONS.some((name) => flags.has(name));
}

let isSaid = false;

/** Says on stderr, once in a process, that bfloat16 is slow here, if the processor has no products of it. */
export function announceSlowBfloat16(
  isSlow = platform() === 'linux' && backendInfo().device === 'CPU' && !hasBfloat16Products(),
): void {
  if (!isSlow || isSaid) return;
  isSaid = true;
  process.stderr.write(
    'flowbook: bfloat16 is slower than float32 here, as this processor has no bfloat16 products; it takes half the memory\n',
  );
}

function readCpuinfo(): string {
  return platform() === 'linux' ? readFileSync('/proc/cpuinfo', 'utf8') : '';
}
