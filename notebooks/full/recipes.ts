import { diffusionDPO } from './diffusion-dpo';
import { diffusionNFT } from './diffusion-nft';
import { flowGRPO } from './flow-grpo';
import type { FullRecipe } from './recipe';

/** Every recipe with a full run, by number. */
export const RECIPES: readonly FullRecipe[] = [flowGRPO, diffusionNFT, diffusionDPO];
