import { ANYTHING, checkOptions, required, wholeNumber, type Rules } from '../core/option-rules';
import type { RandomKey } from '../core/random-key';

/** How prompts are drawn. */
export interface DrawOptions {
  /** How many, all different. */
  count: number;
  /** Weight of each prompt; those of weight 0 are never drawn. Default: all equal. */
  weights?: readonly number[] | null;
}

const RULES: Rules<DrawOptions> = { count: required(wholeNumber(0)), weights: ANYTHING };

/**
 * Draws different prompts: without replacement, each with a chance that grows with its weight.
 *
 * Source: Efraimidis and Spirakis, Weighted random sampling with a reservoir (2006): the smallest of
 * -ln(u) / weight win.
 *
 * @throws When there is no such option or one breaks its rule, and when fewer than `count` prompts have a weight above 0.
 * @example
 * drawPrompts(['a', 'b', 'c'], RandomKey.fromSeed(1), { count: 2 });
 */
export function drawPrompts<Prompt>(
  prompts: readonly Prompt[],
  key: RandomKey,
  options: DrawOptions,
): Prompt[] {
  checkOptions('draw prompts', options, RULES);
  const { count, weights = null } = options;
  if (weights !== null && weights.length !== prompts.length) {
    throw new Error(
      `Cannot draw prompts as every prompt needs its weight: current numbers are ${prompts.length} prompts and ${weights.length} weights`,
    );
  }
  const scored = prompts
    .map((prompt, at) => {
      const weight = weights === null ? 1 : weights[at];
      return {
        prompt,
        score: weight > 0 ? -Math.log(1 - key.fold(at).uniform()) / weight : Infinity,
      };
    })
    .filter(({ score }) => score < Infinity);
  if (scored.length < count) {
    throw new Error(
      `Cannot draw ${count} different prompts as there must be as many with a weight above 0: current number is ${scored.length}`,
    );
  }
  return scored
    .sort((a, b) => a.score - b.score)
    .slice(0, count)
    .map(({ prompt }) => prompt);
}

/**
 * Weights that give each value of a field its share, spread over the prompts that have it.
 *
 * @param shares By value of the field; values without one get 0.
 * @example
 * weightsByField([{ kind: 'a' }, { kind: 'a' }, { kind: 'b' }], 'kind', { a: 1, b: 3 }); // [0.5, 0.5, 3]
 */
export function weightsByField(
  prompts: readonly Record<string, unknown>[],
  field: string,
  shares: Record<string, number>,
): number[] {
  const counts = new Map<unknown, number>();
  for (const prompt of prompts) counts.set(prompt[field], (counts.get(prompt[field]) ?? 0) + 1);
  return prompts.map(
    ({ [field]: value }) => (shares[String(value)] ?? 0) / (counts.get(value) as number),
  );
}
