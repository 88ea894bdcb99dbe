import { COMPARISONS } from './comparisons';
import { danceGRPO } from './dance-grpo';
import { diffusionDPO } from './diffusion-dpo';
import { diffusionNFT } from './diffusion-nft';
import { flowDPPO } from './flow-dppo';
import { flowGRPO } from './flow-grpo';
import { grpoGuard } from './grpo-guard';
import { mixGRPO } from './mix-grpo';
import { recipeName, type FullRecipe } from './recipe';
import type { RecipeResult } from './result';

/** Every recipe with a full run, by number. */
export const RECIPES: readonly FullRecipe[] = [
  flowGRPO,
  grpoGuard,
  mixGRPO,
  danceGRPO,
  flowDPPO,
  diffusionNFT,
  diffusionDPO,
];

/** All of which results are kept: each recipe, and what it is compared with. */
export const FULL_RUNS: readonly FullRecipe[] = [...RECIPES, ...COMPARISONS].sort((one, other) =>
  one.number.localeCompare(other.number),
);

/** The full run that a result is of. @throws When it has no full run. */
export function recipeOf({ recipe }: RecipeResult): FullRecipe {
  const found = FULL_RUNS.find((one) => recipeName(one) === recipe);
  if (found !== undefined) return found;
  throw new Error(
    `Cannot evaluate a result as its recipe must have a full run: current value is ${recipe}`,
  );
}
