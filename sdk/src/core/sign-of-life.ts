import { statSync, utimesSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** How a process shows that it is there, and for how long others look. */
export interface LifeTiming {
  /** Time between two signs of life in milliseconds. */
  beatMs: number;
  /** How long a process on another machine is watched for a sign, by the watcher's own clock. */
  watchMs: number;
}

export const LIFE_TIMING: LifeTiming = { beatMs: 2_000, watchMs: 15_000 };

/** Shows by a file's time that this process is there, until the interval is cleared; it keeps no process going. */
export function showLife(path: string, beatMs = LIFE_TIMING.beatMs): NodeJS.Timeout {
  return setInterval(() => {
    const now = new Date();
    try {
      utimesSync(path, now, now);
    } catch {
      // The folder was removed; what is written next says so.
    }
  }, beatMs).unref();
}

/**
 * Whether the time of a file changes while it is watched: so a process that cannot be seen from here shows that it is there. No
 * clocks are compared.
 *
 * @param watchMs In milliseconds; it ends at the first sign.
 * @param signal Ends it without an answer.
 * @throws The signal's reason.
 */
export async function showsLife(
  path: string,
  watchMs = LIFE_TIMING.watchMs,
  signal?: AbortSignal,
): Promise<boolean> {
  const signOf = () => statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  const before = signOf();
  for (let waited = 0; waited < watchMs; waited += watchMs / 20) {
    await sleep(watchMs / 20, null, { signal });
    if (signOf() !== before) return true;
  }
  return false;
}
