import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { RecipeResult } from './result';

/** Figures of a result that a claim may name. */
const FIGURES = ['before', 'after', 'control', 'seconds'] as const;
const LAST = 'last/';

/** A figure of another result, as '03-without-ratio-norm/after'. */
const COMPARED = /^(\d\d-[a-z-]+)\/(.+)$/;

/** What a recipe is to show, said before any full run of it was made. */
export const claimSchema = z.strictObject({
  /** The recipe, as '01-flow-grpo'. */
  recipe: z.string(),
  /** In words. */
  claim: z.string(),
  /**
   * What is measured: a figure of a result (`before`, `after`, `control`, `seconds`), a logged number as `last/<name>`, a figure of
   * what it is compared with as `<comparison>/after`, or the difference of two of them, as `after - control`.
   */
  metric: z.string(),
  /** What it must be at least, in each seed's run. */
  threshold: z.number(),
  /** The metric's mean over the runs, written once there are as many as claims are tested with. */
  measured: z.number().optional(),
  /** The metric in each run, by seed. */
  perSeed: z.array(z.number()).optional(),
  /** Whether it is the threshold or more in every run. */
  holds: z.boolean().optional(),
});

export type Claim = z.infer<typeof claimSchema>;

/** Seeds that a claim is tested with. */
export const CLAIM_SEEDS = 3;

/** What became of a claim. */
export interface TestedClaim {
  claim: Claim;
  verdict: 'holds' | 'does not hold' | 'not run yet';
  /** The metric in each seed's run; null where the run does not have it. */
  values: (number | null)[];
}

/** Reads claims and checks them. */
export function readClaims(path: string): Claim[] {
  return z.array(claimSchema).parse(JSON.parse(readFileSync(path, 'utf8')));
}

/**
 * What a claim's metric is in a result; null where the run does not have it, as a control that is not made yet.
 *
 * @param others Has the result of the same seed that it is compared with.
 * @throws When the metric is not of the forms that claims have.
 */
export function measure(
  result: RecipeResult,
  metric: string,
  others: readonly RecipeResult[] = [],
): number | null {
  const terms = metric.split(' - ').map((term) => {
    const [, recipe, figure] = COMPARED.exec(term) ?? [null, null, term];
    if (recipe === null) return figureOf(result, figure, metric);
    const other = others.find((one) => one.recipe === recipe && one.seed === result.seed);
    return figureOf(other ?? null, figure, metric);
  });
  if (terms.length > 2) refuse(metric);
  const [first, second = 0] = terms;
  return first === null || second === null ? null : first - second;
}

/** Tests a claim on the results of its recipe: it holds when it holds in every run, and in so many as claims are tested with. */
export function testClaim(claim: Claim, results: readonly RecipeResult[]): TestedClaim {
  const values = results
    .filter(({ recipe }) => recipe === claim.recipe)
    .sort((one, other) => one.seed - other.seed)
    .map((result) => measure(result, claim.metric, results));
  const measured = values.filter((value) => value !== null);
  const fails = measured.some((value) => value < claim.threshold);
  if (fails) return { claim, verdict: 'does not hold', values };
  const verdict = measured.length < CLAIM_SEEDS ? 'not run yet' : 'holds';
  return { claim, verdict, values };
}

/** A claim with what was measured, or as it was said where runs are missing. */
export function withOutcome({ claim, verdict, values }: TestedClaim): Claim {
  const { recipe, claim: words, metric, threshold } = claim;
  const said = { recipe, claim: words, metric, threshold };
  const perSeed = values.filter((value) => value !== null).map(rounded);
  if (perSeed.length < CLAIM_SEEDS) return said;
  const measured = rounded(perSeed.reduce((sum, value) => sum + value, 0) / perSeed.length);
  return { ...said, measured, perSeed, holds: verdict === 'holds' };
}

const rounded = (value: number) => Number(value.toPrecision(4));

function figureOf(result: RecipeResult | null, term: string, metric: string): number | null {
  if (term.startsWith(LAST)) return result?.last?.[term.slice(LAST.length)] ?? null;
  const figure = FIGURES.find((name) => name === term);
  if (figure === undefined) return refuse(metric);
  return result === null ? null : result[figure];
}

function refuse(metric: string): never {
  throw new Error(
    `Cannot measure a claim as its metric must be one of ${FIGURES.join(', ')}, ${LAST}<name>, <comparison>/<figure>, or a difference of two: current value is ${metric}`,
  );
}
