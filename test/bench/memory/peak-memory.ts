import { readFileSync } from 'node:fs';

/** Resident memory of a process that does one row's work. */
export interface PeakMemory {
  /** Before the first run, in megabytes. */
  loaded: number;
  /** The most that there was. */
  peak: number;
}

/** Reads a size of this process from Linux: VmRSS for what is resident now, VmHWM for the most that was. */
export function residentMegabytes(name: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync('/proc/self/status', 'utf8');
  const kilobytes = new RegExp(`^${name}:\\s*(\\d+) kB`, 'm').exec(status)?.[1];
  if (kilobytes === undefined) {
    throw new Error(`Cannot measure memory as /proc/self/status must give ${name}: it does not`);
  }
  return Number(kilobytes) / 1024;
}
