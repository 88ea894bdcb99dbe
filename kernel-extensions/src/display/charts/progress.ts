import { ANYTHING, checkOptions, type Rules } from '@flowbook/sdk/option-rules';
import { Drawing } from '../drawing';
import { plural } from '../numbers';
import { refuse } from '../refuse';
import { requireRecord } from '../require-data';
import { chartSpec } from '../rendering/chart-spec';
import { chartWidth, colour } from '../rendering/theme';
import { progressLine } from './training-progress';

/** How far a loop is. */
export interface LoopProgress {
  /** What is done. */
  done: number;
  /** How much there is to do, more than 0. */
  total: number;
  /** Seconds since the loop began. Default: no time is shown. */
  seconds?: number;
}

/** Options of `progress()`. */
export interface ProgressOptions {
  /** What is counted, in the singular. Default `step`. */
  unit?: string;
  /** How the loop stands: `running` (default), or how it ended. */
  state?: string;
  title?: string;
}

const action = 'draw progress';
const barHeight = 14;

const RULES: Rules<ProgressOptions> = {
  unit: ANYTHING,
  state: ANYTHING,
  title: ANYTHING,
};

/**
 * How far a loop is: a bar, the count, the time it took and the time left.
 *
 * @throws if `total` is not above 0, or `done` not a number from 0.
 * @example
 * const drawing = progress({ done: 12, total: 40, seconds: 80 });
 * drawing.text; // 'Progress: step 12 of 40  ██████░░░░░░░░░░░░░░  30 %  ·  1 min 20 s  ·  about 3 min 7 s left'
 */
export function progress(loop: LoopProgress, options: ProgressOptions = {}): Drawing {
  checkOptions(action, options, RULES);
  const { unit = 'step', state = 'running', title = 'Progress' } = options;
  requireRecord(action, 'a loop { done, total }', loop);
  const { done, total, seconds } = loop;
  if (!(total > 0 && Number.isFinite(total))) refuse(action, 'total must be above 0', total);
  if (!(done >= 0 && Number.isFinite(done))) refuse(action, 'done must be 0 or more', done);
  const secondsLeft =
    seconds === undefined || done === 0 ? null : (Math.max(0, total - done) * seconds) / done;
  const line = progressLine({ step: done, steps: total, seconds, secondsLeft }, state, unit);
  const full = Math.min(1, done / total);
  const bar = (end: number, hue: string) => ({
    data: { values: [{ end }] },
    mark: { type: 'rect', color: hue, cornerRadius: 4, tooltip: false },
    encoding: {
      x: { value: 0 },
      x2: { value: Math.round(end * chartWidth) },
      y: { value: 0 },
      y2: { value: barHeight },
    },
  });
  const words = line.replace(/ {2}[█░]+ {2}/u, '  ·  ');
  const spec = chartSpec(
    {
      title,
      subtitle: words,
      description: `Progress bar: ${words}; ${plural(Math.max(0, total - done), unit)} left.`,
    },
    {
      width: chartWidth,
      height: barHeight,
      layer: [
        bar(1, colour.grid),
        ...(full > 0 ? [bar(full, state === 'running' ? colour.blue : colour.green)] : []),
      ],
    },
  );
  return new Drawing({ name: 'progress', spec, text: `${title}: ${line}` });
}
