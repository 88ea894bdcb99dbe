import { join } from 'node:path';
import {
  OfflineDPOTrainer,
  RandomKey,
  loadShapesPairs,
  type OfflineDPOOptions,
  type ShapesPair,
} from '@flowbook/sdk';
import { DATASET } from './places';
import { tinyStableDiffusion3, type FullRecipe } from './recipe';

/** Of the kept runs; the notebook has them as mode 'full'. */
export const diffusionDPOSettings = {
  pairsPerStep: 24,
  learningRate: 2e-4,
  warmupSteps: 5,
  lrSchedule: 'cosine',
  minLrRatio: 0.1,
  dpoBeta: 500,
  ema: 0.95,
  microBatchSize: 48,
} as const satisfies Partial<OfflineDPOOptions>;

/** 08: offline Diffusion-DPO on all weights of tiny Stable Diffusion 3, on pairs that were there before. */
export const diffusionDPO: FullRecipe = {
  number: '08',
  name: 'diffusion-dpo',
  ...tinyStableDiffusion3('dpo'),
  steps: 400,
  settings: diffusionDPOSettings,
  trainer(pipeline, { advEstimator, ...common }) {
    const pairs = loadShapesPairs(join(DATASET, 'pairs.jsonl'));
    return new OfflineDPOTrainer(pipeline, {
      // The control learns from pairs too, of which half are the wrong way round.
      pairs: advEstimator === undefined ? pairs : inRandomOrder(pairs, common.seed),
      ...diffusionDPOSettings,
      ...common,
    });
  },
};

/** The pairs, each turned round with probability one half. */
export function inRandomOrder(pairs: readonly ShapesPair[], seed: number): ShapesPair[] {
  const key = RandomKey.fromSeed(seed).fold('order of pairs');
  return pairs.map((pair, at) =>
    key.fold(at).uniform() < 0.5 ? pair : { ...pair, chosen: pair.rejected, rejected: pair.chosen },
  );
}
