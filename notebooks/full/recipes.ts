import { danceGRPO } from './dance-grpo';
import { diffusionDPO } from './diffusion-dpo';
import { diffusionNFT } from './diffusion-nft';
import { flowDPPO } from './flow-dppo';
import { flowGRPO } from './flow-grpo';
import { grpoGuard } from './grpo-guard';
import { mixGRPO } from './mix-grpo';
import type { FullRecipe } from './recipe';

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
