import { format } from '../numbers';
import type { LogRow } from './log-rows';

/** How far a run is. */
export interface Progress {
  /** Steps done. */
  step: number;
  /** The step that it ends with. */
  steps: number;
  /** Spent so far; left out where nobody measured. */
  seconds?: number;
  /** Seconds that the steps left will take at the pace of the last ones; null before the first. */
  secondsLeft: number | null;
}

/** Steps whose pace counts: the first ones of a run compile, and evaluations come every few. */
const paceSteps = 20;
const barLength = 20;

/** How far a run is by its log, whose rows hold the seconds since it began. */
export function progressOf(log: readonly LogRow[], steps: number): Progress {
  const timed = log.filter(({ step, seconds }) => step > 0 && typeof seconds === 'number');
  const last = timed[timed.length - 1];
  const step = last?.step ?? 0;
  const seconds = (last?.seconds as number | undefined) ?? 0;
  const before = timed[timed.length - 1 - Math.min(paceSteps, timed.length - 1)];
  const pace =
    before === undefined || before === last
      ? seconds / step
      : (seconds - (before.seconds as number)) / (step - before.step);
  const secondsLeft = step > 0 ? Math.max(0, steps - step) * pace : null;
  return { step, steps, seconds, secondsLeft };
}

/**
 * A line for it: `step 12 of 40  ██████░░░░░░░░░░░░░░  30 %  ·  1 min 20 s  ·  about 3 min left`.
 *
 * @param state How the run stands; `running` when it goes on.
 * @param unit What is counted.
 */
export function progressLine(
  { step, steps, seconds, secondsLeft }: Progress,
  state = 'running',
  unit = 'step',
): string {
  const share = steps > 0 ? Math.min(1, step / steps) : 0;
  const full = Math.round(share * barLength);
  const bar = '█'.repeat(full) + '░'.repeat(barLength - full);
  const left =
    state === 'running'
      ? secondsLeft !== null && step < steps && [`about ${duration(secondsLeft)} left`]
      : [state];
  return [
    `${unit} ${format(step)} of ${format(steps)}  ${bar}  ${Math.round(100 * share)} %`,
    ...(seconds === undefined ? [] : [duration(seconds)]),
    ...(left || []),
  ].join('  ·  ');
}

/** `45 s`, `1 min 20 s`, `2 h 5 min`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(whole / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
