/** Bounds of a ratio. */
export interface RatioBounds {
  /** null: there is none. */
  lower: number | null;
  upper: number;
}

/**
 * `rollout_is_threshold`: a number cuts larger weights down to it; '0.5_2' sets weights outside of the two to 0.
 *
 * @throws When a bound is no positive number, or the lower one is above the upper.
 */
export function importanceBounds(threshold: number | string): RatioBounds {
  const bounds = boundsOf(threshold);
  if (bounds === null) {
    throw new Error(
      `Cannot weight samples as rollout_is_threshold must be a positive number, or two as "0.5_2": current value is ${threshold}`,
    );
  }
  return bounds;
}

/**
 * `rollout_rs_threshold`: one for all criteria or one for each, divided by commas. For criteria by k1 a pair of ratios, as
 * '0.5_2', or one, which stands for itself and its inverse; for the others an upper bound.
 *
 * @throws When their number does not fit, or one of them is not as its criterion needs it.
 */
export function rejectionBounds(
  criteria: readonly string[],
  threshold: number | string | null,
): RatioBounds[] {
  const given = String(threshold ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  if (given.length !== 1 && given.length !== criteria.length) {
    throw new Error(
      `Cannot reject samples as rollout_rs_threshold must hold one threshold, or one for each of the ${criteria.length} criteria: current value is ${threshold}`,
    );
  }
  return criteria.map((criterion, at) => {
    const text = given.length === 1 ? given[0] : given[at];
    const bounds = boundsOf(text);
    const isRatio = criterion.endsWith('k1');
    if (bounds === null || (!isRatio && bounds.lower !== null)) {
      const rule = isRatio ? 'a positive number, or two as "0.5_2"' : 'one positive number';
      throw new Error(
        `Cannot reject samples as rollout_rs_threshold of ${criterion} must be ${rule}: current value is ${text}`,
      );
    }
    return isRatio ? { lower: bounds.lower ?? 1 / bounds.upper, upper: bounds.upper } : bounds;
  });
}

function boundsOf(threshold: number | string): RatioBounds | null {
  const numbers = String(threshold)
    .split('_')
    .map((part) => (part.trim() === '' ? NaN : Number(part)));
  const [lower, upper] = numbers.length === 1 ? [null, numbers[0]] : numbers;
  const isValid =
    numbers.length <= 2 &&
    numbers.every((value) => value > 0 && Number.isFinite(value)) &&
    (lower === null || lower <= upper);
  return isValid ? { lower, upper } : null;
}
