import { ANYTHING, checkOptions, type Rules } from '@flowbook/sdk/option-rules';
import type { Drawing } from '../drawing';
import { format } from '../numbers';
import { flatNumbers, type Numbers } from './advantages';
import { histogram } from './histogram';

/** Options of `ratios()`. */
export interface RatiosOptions {
  /** The loss clips ratios to 1 ± clipRange (`clip_ratio`). Default: not drawn. */
  clipRange?: number;
  title?: string;
  bins?: number;
}

const RULES: Rules<RatiosOptions> = {
  clipRange: ANYTHING,
  title: ANYTHING,
  bins: ANYTHING,
};

/**
 * How the ratios exp(log p_new − log p_old) spread around 1, with the band that the clip leaves
 * alone. Before the first update of a rollout every ratio must be 1.
 *
 * @param values one a sample and step; any shape, no unit.
 * @example
 * const drawing = ratios([0.9999, 1, 1.0002], { clipRange: 1e-4 });
 */
export function ratios(values: Numbers, options: RatiosOptions = {}): Drawing {
  checkOptions('draw ratios', options, RULES);
  const { clipRange, title = 'Probability ratios', bins } = options;
  const numbers = Array.from(flatNumbers(values));
  const facts: string[] = [];
  if (clipRange !== undefined && numbers.length > 0) {
    const outside = numbers.filter((ratio) => Math.abs(ratio - 1) > clipRange).length;
    facts.push(`${format((100 * outside) / numbers.length)} % outside the clip band`);
  }
  const warnings = numbers.some((ratio) => ratio <= 0)
    ? ['A ratio is 0 or less, which exp() cannot give: is this log-probabilities?']
    : [];
  return histogram({
    name: 'ratios',
    title,
    label: 'ratio of probabilities, new / old policy',
    values: numbers,
    facts,
    statistics: ({ mean, min, max }) =>
      `mean ${nearOne(mean)}  ·  ${nearOne(min)} to ${nearOne(max)}`,
    warnings,
    bins,
    ...(clipRange !== undefined && {
      band: {
        low: 1 - clipRange,
        high: 1 + clipRange,
        label: `clip band 1 ± ${format(clipRange)}`,
      },
    }),
    mark: 1,
  });
}

/** Ratios differ from 1 in digits that a rounded number would lose. */
function nearOne(ratio: number): string {
  const difference = ratio - 1;
  if (Math.abs(difference) > 0.1 || !Number.isFinite(ratio)) return format(ratio);
  return difference === 0 ? '1' : `1 ${difference < 0 ? '−' : '+'} ${format(Math.abs(difference))}`;
}
