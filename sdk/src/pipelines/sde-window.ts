import { lastWindowStart, type SdeWindow } from '../schedulers';
import type { Generator } from '../tensorflow';

/** How a rollout places its window. */
export interface SdeWindowSettings {
  /** Steps that get noise; null for all but the last. */
  size: number | null;
  /** The window lies within [first, end) of it. */
  range: SdeWindow;
  /** Steps of the rollout. */
  steps: number;
}

/**
 * Draws where the noise of a rollout goes.
 *
 * All rows of a batch share one window, because rows of a group that were noised at different steps
 * cannot be compared (verl-omni's pitfalls page: reward dies within 30 steps). With
 * `compat: 'verl-omni'` and one generator a row, each row draws its own; and a window is drawn from the
 * whole range whatever the number of steps, so that one at the end may come out shorter than asked.
 *
 * @returns One window, or one for each row.
 * @throws When the window does not fit.
 *
 * @example
 * drawSdeWindow({ size: 2, range: [3, 5], steps: 10 }, keyGenerator(1)); // [3, 5] // steps 3 and 4
 */
export function drawSdeWindow(
  settings: SdeWindowSettings,
  generator: Generator | readonly Generator[],
  compat: 'verl-omni' | null = null,
): SdeWindow | SdeWindow[] {
  const { size, range, steps } = settings;
  if (size === null) return [0, Math.max(steps - 1, 1)];
  const last = lastWindowStart({ size, range, ...(compat === null && { steps }) });
  const draw = (from: Generator): SdeWindow => {
    const start = from.integer(range[0], last + 1);
    return [start, Math.min(start + size, steps)];
  };
  if (!('length' in generator)) return draw(generator);
  // Every row draws, so that the noise that follows does not depend on a row's place in the batch.
  const windows = generator.map(draw);
  return compat === 'verl-omni' ? windows : windows[0];
}
