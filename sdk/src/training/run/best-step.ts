import { nearestName } from '../../core/nearest-name';
import { EVALUATED } from '../log-names';
import type { LogLine } from '../step-report';
import type { RunOptions } from './run-options';

/** Where a metric was best. */
export interface BestStep {
  step: number;
  value: number;
  /** Times it was measured since then. */
  since: number;
}

/**
 * The step where a metric was highest, of lines that have it; null when none does. A later value must be higher by more than
 * `minImprovement` to count.
 *
 * @example
 * const at = (step: number, reward: number) => ({ step, seconds: step, reward });
 * bestStep([at(1, 0.2), at(2, 0.5), at(3, 0.4)], 'reward'); // { step: 2, value: 0.5, since: 1 }
 */
export function bestStep(
  lines: readonly LogLine[],
  metric: string,
  minImprovement = 0,
): BestStep | null {
  let best: BestStep | null = null;
  for (const { step, [metric]: value } of lines) {
    if (value === undefined) continue;
    if (Number.isFinite(value) && (best === null || value > best.value + minImprovement)) {
      best = { step, value, since: 0 };
    } else if (best !== null) {
      best.since += 1;
    }
  }
  return best;
}

/**
 * Sees to it that a metric is one of the log's, once a line ought to have it: one of an evaluation, or of a step with an update.
 *
 * @throws When no line has it, naming the nearest one.
 */
export function requireMetric(lines: readonly LogLine[], metric: string): void {
  const last = lines.at(-1);
  if (last === undefined || lines.some((line) => metric in line)) return;
  const known = Object.keys(last);
  const isDue = metric.startsWith('evaluation/')
    ? known.some((name) => name.startsWith('evaluation/'))
    : Number.isFinite(last.loss);
  if (!isDue) return;
  throw new Error(
    `Cannot tell the best step as bestMetric must be a number of the log: current value is "${metric}", the nearest is "${nearestName(metric, known)}"`,
  );
}

/** Throws when there is nothing that would say what is best. */
export function checkBestMetric(
  { patience = null, bestMetric }: RunOptions<never>,
  isEvaluated: boolean,
): void {
  const metric = bestMetric ?? EVALUATED;
  if (patience === null || isEvaluated || !metric.startsWith('evaluation/')) return;
  throw new Error(
    'Cannot stop early as there must be evaluations or another bestMetric: evaluation is null',
  );
}
