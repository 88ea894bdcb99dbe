import { readFileSync, writeFileSync } from 'node:fs';
import { freemem } from 'node:os';

/** Reads a size of this process from Linux, in bytes. */
function resident(name: 'VmRSS' | 'VmHWM'): number {
  const kilobytes = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(
    readFileSync('/proc/self/status', 'utf8'),
  );
  return kilobytes === null ? NaN : 1024 * Number(kilobytes[1]);
}

/**
 * Watches how much more memory the process takes, at most, than it does now.
 *
 * @returns A function that says it, in bytes; or null where the system does not tell: only Linux does.
 */
export function watchMemory(): (() => number) | null {
  try {
    // Linux counts the peak anew from here.
    writeFileSync('/proc/self/clear_refs', '5');
    const before = resident('VmRSS');
    return Number.isFinite(before) ? () => Math.max(0, resident('VmHWM') - before) : null;
  } catch {
    return null;
  }
}

/** Memory that this process can still take, in bytes, within what its container allows. */
export function freeMemory(): number {
  const { availableMemory } = process as { availableMemory?: () => number };
  return Math.min(availableMemory?.() ?? Infinity, freemem());
}
