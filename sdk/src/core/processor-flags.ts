import { readFileSync } from 'node:fs';
import { platform } from 'node:os';

/** The line of flags in `/proc/cpuinfo`; empty where there is none. */
export function flagsLine(cpuinfo = readCpuinfo()): string {
  return /^flags\s*:.*$/m.exec(cpuinfo)?.[0] ?? '';
}

/** The processor's instructions, by the flags that Linux lists of it; none elsewhere. */
export function processorFlags(cpuinfo?: string): ReadonlySet<string> {
  const [, flags = ''] = flagsLine(cpuinfo).split(':');
  return new Set(flags.trim().split(/\s+/).filter(Boolean));
}

function readCpuinfo(): string {
  return platform() === 'linux' ? readFileSync('/proc/cpuinfo', 'utf8') : '';
}
