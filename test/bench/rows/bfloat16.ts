import { readFileSync } from 'node:fs';
import { platform } from 'node:os';

/** Instructions that multiply bfloat16: without them it is slower than float32 on either side. */
const INSTRUCTIONS = ['avx512_bf16', 'amx_bf16', 'svebf16', 'bf16'];

/** Whether the processor multiplies bfloat16, by the flags that Linux lists of it. */
export function hasBfloat16Products(cpuinfo = readCpuinfo()): boolean {
  const line = /^(?:flags|Features)\s*:(.*)$/m.exec(cpuinfo)?.[1] ?? '';
  const flags = new Set(line.trim().split(/\s+/));
  return INSTRUCTIONS.some((name) => flags.has(name));
}

function readCpuinfo(): string {
  return platform() === 'linux' ? readFileSync('/proc/cpuinfo', 'utf8') : '';
}

/** Why the bfloat16 row has no numbers: float32 against bfloat16 would be no comparison. */
export function bfloat16Obstacle(hasProducts = hasBfloat16Products()): string {
  return hasProducts
    ? 'Flowbook computes in float32: there is no bfloat16 to compare'
    : 'this processor has no bfloat16 products';
}
