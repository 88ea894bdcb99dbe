import { isTimeLimit, LONGEST_LIMIT_MS, withTimeLimit } from '../core/time-limit';
import type { Frame } from './frame';
import { WorkerLost, type WorkerLink } from './worker-link';

/** Workers that may be late with one piece of work. */
const MOST_LATE = 3;

/** A piece of work that workers may be late with. */
export interface TimedWork {
  /** What a worker must do, in words. */
  task: string;
  /** Time that a worker has for it, in milliseconds. */
  limitMs: number;
  /** Ends the wait for any worker; null: nothing else does. */
  signal: AbortSignal | null;
  /** Workers that were late with it. */
  late: number;
  /** Called with a worker that is late, before it is ended. */
  tooLate(link: WorkerLink): void;
}

/** @throws When timers do not keep a limit. */
export function checkLimit(action: string, name: string, value: number, unitMs: number): void {
  if (isTimeLimit(value * unitMs)) return;
  const [least, most] = [1 / unitMs, Math.floor(LONGEST_LIMIT_MS / unitMs)];
  throw new Error(
    `Cannot ${action} as ${name} must be from ${least} to ${most}: current value is ${value}`,
  );
}

/**
 * Asks a worker, and ends one that neither answers in time nor dies, whatever it does: its source may start another one in its
 * place.
 *
 * @throws WorkerLost when the worker is gone or late, so that another one can do the work; another error when several were late; the
 *   signal's reason.
 */
export function callInTime(
  link: WorkerLink,
  frame: Frame,
  weights: string | null,
  work: TimedWork,
): Promise<Frame> {
  const { limitMs, signal } = work;
  const tooLate = (): Error => {
    work.tooLate(link);
    link.close();
    work.late += 1;
    const message = `Cannot wait for worker ${link.name} as it must ${work.task} within ${limitMs / 1000} s`;
    if (work.late < MOST_LATE) return new WorkerLost(message);
    return new Error(`${message} (${work.late} tries)`);
  };
  return withTimeLimit(() => link.call(frame, weights), { limitMs, signal, tooLate });
}
