import { ANYTHING, checkOptions, type Rules } from '@flowbook/sdk/option-rules';
import type { Drawing } from '../drawing';
import { plural } from '../numbers';
import { inWords, refuse } from '../refuse';
import { isNumberList } from '../require-data';
import { isTensorLike, readNumbers, type TensorLike } from '../tensor-like';
import { histogram } from './histogram';

/** Numbers as an array or a tensor of any shape. */
export type Numbers = ArrayLike<number> | TensorLike;

/** Numbers of an array or a tensor, flat. */
export function flatNumbers(values: Numbers): ArrayLike<number> {
  if (isNumberList(values)) return values;
  if (isTensorLike(values)) return readNumbers(values);
  return refuse('draw numbers', 'they must be a list or a tensor', inWords(values));
}

/** Options of `advantages()`. */
export interface AdvantagesOptions {
  /** Advantages beyond ±clip are cut to it by the loss. Default: not drawn. */
  clip?: number;
  title?: string;
  bins?: number;
}

const RULES: Rules<AdvantagesOptions> = {
  clip: ANYTHING,
  title: ANYTHING,
  bins: ANYTHING,
};

/**
 * How advantages spread, with the band that the loss keeps. All-zero advantages, which teach
 * nothing, are named on the chart.
 *
 * @param values one a sample, or one a sample and step; any shape, in standard deviations of a group.
 * @example
 * const drawing = advantages([-1.2, -0.1, 0.3, 1], { clip: 5 });
 */
export function advantages(values: Numbers, options: AdvantagesOptions = {}): Drawing {
  checkOptions('draw advantages', options, RULES);
  const { clip, title = 'Advantages', bins } = options;
  const numbers = Array.from(flatNumbers(values));
  const warnings: string[] = [];
  if (numbers.length > 0 && numbers.every((value) => value === 0)) {
    warnings.push(
      'All advantages are 0: every group has equal rewards, so this update teaches nothing.',
    );
  }
  const facts: string[] = [];
  if (clip !== undefined) {
    const cut = numbers.filter((value) => Math.abs(value) > clip).length;
    facts.push(`${plural(cut, 'value')} beyond ±${clip}`);
  }
  return histogram({
    name: 'advantages',
    title,
    label: 'advantage (standard deviations of its group)',
    values: numbers,
    facts,
    warnings,
    bins,
    ...(clip !== undefined && { band: { low: -clip, high: clip, label: `kept: ±${clip}` } }),
    mark: 0,
  });
}
