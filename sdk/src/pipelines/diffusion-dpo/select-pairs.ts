import { checkOptions, oneOf } from '../../core/option-rules';
/**
 * The best and the worst picture of each prompt, to learn from by Diffusion-DPO while rolling out.
 *
 * Prompts come in the order of their first picture; those with a single picture are left out. Of equal
 * scores the first counts as best and the last as worst.
 *
 * @param uids For each picture, which prompt it belongs to.
 * @param scores For each picture.
 * @param options.ties 'keep' (default, as verl-omni) keeps pairs of equal scores, whose order means nothing;
 *   'skip' leaves them out.
 * @returns Row numbers [best 0, worst 0, best 1, ...].
 * @throws When lengths differ or a score is not a number.
 * @example
 * selectPairs(['a', 'b', 'a', 'b'], [1, 2, 3, 4]); // [2, 0, 3, 1]
 */
export function selectPairs(
  uids: readonly (string | number)[],
  scores: ArrayLike<number>,
  options: { ties?: 'keep' | 'skip' } = {},
): number[] {
  checkOptions('select pairs', options, { ties: oneOf('keep', 'skip') });
  const { ties = 'keep' } = options;
  if (uids.length !== scores.length) {
    throw new Error(
      `Cannot select pairs as there must be one score for each picture: ${scores.length} for ${uids.length}`,
    );
  }
  const unscored = Array.from(scores).findIndex((score) => Number.isNaN(score));
  if (unscored >= 0) {
    throw new Error(`Cannot select pairs as scores must be numbers: row ${unscored} has NaN`);
  }
  const groups = new Map<string | number, number[]>();
  uids.forEach((uid, row) => groups.set(uid, [...(groups.get(uid) ?? []), row]));
  return [...groups.values()].flatMap((rows) => {
    const sorted = [...rows].sort((a, b) => scores[b] - scores[a]);
    const [best, worst] = [sorted[0], sorted[sorted.length - 1]];
    if (rows.length < 2 || (ties === 'skip' && scores[best] === scores[worst])) return [];
    return [best, worst];
  });
}

/**
 * Checks that rows are (chosen, rejected) pairs: an even number, both of one prompt, the chosen one
 * scored at least as high.
 *
 * @throws With the rows that break a rule.
 *
 * @example
 * checkPairs(['a', 'a', 'b', 'b'], [0.9, 0.1, 0.5, 0.5]); // undefined // nothing to say against them
 */
export function checkPairs(
  uids: readonly (string | number)[],
  scores: ArrayLike<number> | null = null,
): void {
  if (uids.length % 2 !== 0) {
    throw new Error(
      `Cannot learn from pairs as rows must be (chosen, rejected) pairs: there are ${uids.length}`,
    );
  }
  for (let row = 0; row < uids.length; row += 2) {
    if (uids[row] !== uids[row + 1]) {
      throw new Error(
        `Cannot learn from pairs as both rows of a pair must have one uid: rows ${row} and ${row + 1} have ${uids[row]} and ${uids[row + 1]}`,
      );
    }
    if (scores !== null && !(scores[row] >= scores[row + 1])) {
      throw new Error(
        `Cannot learn from pairs as the chosen row must score at least its rejected one: rows ${row} and ${row + 1} score ${scores[row]} and ${scores[row + 1]}`,
      );
    }
  }
}
