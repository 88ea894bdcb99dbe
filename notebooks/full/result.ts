import { readFileSync } from 'node:fs';
import { z } from 'zod';

const share = z.number().min(0).max(1);
const numbers = z.record(z.string(), z.union([z.number(), z.string(), z.boolean(), z.null()]));

/** What is kept of a full run, as `notebooks/results/NN-NAME-seedS.json`. */
export const recipeResult = z.object({
  recipe: z.string(),
  seed: z.int(),
  /** The git commit that it was made from. */
  commit: z.string(),
  /** The trainer's settings. */
  config: z.record(z.string(), z.unknown()),
  /** Held-out accuracy of the model that training starts from, of the trained one, and of one trained on shuffled advantages. */
  before: share,
  after: share,
  control: share.nullable(),
  /** Pictures of each of these figures. */
  pictures: z.int(),
  /** Training, evaluations of the curve included. */
  seconds: z.number(),
  kinds: z.record(z.string(), z.object({ before: share, after: share })),
  curve: z.array(
    z.object({
      step: z.int(),
      seconds: z.number(),
      /** Share of right pictures among the step's own, which are made with noise. */
      train: share.nullable(),
      heldOut: share,
      /** Mean of old minus new log-probability within the step. */
      kl: z.number().nullable(),
      diversity: z.number().nullable(),
    }),
  ),
  /** Means of what was logged over the last tenth of the steps, by the log's names. Older results do not have it. */
  last: z.record(z.string(), z.number()).optional(),
  /** The trained weights, beside this file. */
  weights: z.string(),
  versions: numbers,
  machine: numbers,
});

export type RecipeResult = z.infer<typeof recipeResult>;

/** Reads a result and checks it. */
export function readResult(path: string): RecipeResult {
  return recipeResult.parse(JSON.parse(readFileSync(path, 'utf8')));
}
