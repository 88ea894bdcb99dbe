import {
  ANYTHING,
  checkOptions,
  number,
  orNull,
  SIGNAL,
  type Rules,
} from '../../core/option-rules';
import type { PairBatch } from '../../pipelines';
import {
  pairGradients,
  type DpoGradientOptions,
  type DpoGradients,
  type DpoModel,
} from './pair-gradients';
import { requirePairs } from './require-pairs';

export type { DpoGradientOptions, DpoGradients, DpoModel };

const RULES: Rules<DpoGradientOptions> = {
  dpoBeta: number(),
  microBatchSize: ANYTHING,
  signal: orNull(SIGNAL),
};

/**
 * The gradient of Diffusion-DPO's loss (https://arxiv.org/abs/2311.12908) over noised pairs, and its
 * metrics.
 *
 * @param batch Pairs with `ref_noise_pred`; see `noisePairs` and `referencePredictions`. Stays the caller's.
 * @throws When there is no such option or one breaks its rule, rows are not pairs, differ in noise or time within one,
 *   `ref_noise_pred` is missing, or the signal is aborted.
 * @example
 * const modelConfig = { path: 'test/golden/models/tiny-sd3', algorithm: 'dpo' };
 * const transformer = SD3Transformer2DModel.fromPretrained(modelConfig.path);
 * transformer.addLora({ rank: 4, key: RandomKey.fromSeed(0) });
 * const latents_clean = tf.randomNormal([2, 4, 8, 8]);
 * const batch: PairBatch = {
 *   latents_clean,
 *   ...noisePairs(latents_clean, StableDiffusion3DPO.buildScheduler(modelConfig)),
 *   prompt_embeds: tf.randomNormal([2, 6, 48]),
 *   prompt_embeds_mask: tf.ones([2, 6]),
 *   pooled_prompt_embeds: tf.randomNormal([2, 40]),
 * };
 * batch.ref_noise_pred = referencePredictions(transformer, modelConfig, batch);
 * const { gradients, loss } = await dpoGradients({ transformer, modelConfig }, batch); // loss is ln 2
 */
export async function dpoGradients(
  model: DpoModel,
  batch: PairBatch,
  options: DpoGradientOptions = {},
): Promise<DpoGradients> {
  checkOptions('learn from pairs', options, RULES);
  requirePairs(batch, options.microBatchSize);
  return pairGradients(model, batch, options);
}
