import type { DiffusionModelConfigLike } from '../../config';
import { tf } from '../../tensorflow';
import { DiffusionModelBase } from '../diffusion-model-base';
import type { MicroBatch, ModelInputs, ModelMixin, TrainableModel } from '../model-mixin';
import { PolicyState } from '../policy-state';

/** Noised data with its words, under verl-omni's names. */
export interface NoisedBatch extends MicroBatch {
  /** (B, ...) x_t */
  noisy_latents: tf.Tensor;
  /** (B) from 0 to 1000. */
  timesteps: tf.Tensor;
  /** (B, L, D) */
  prompt_embeds: tf.Tensor;
  /** (B, L) */
  prompt_embeds_mask: tf.Tensor;
  /** (B, P) */
  pooled_prompt_embeds?: tf.Tensor;
  negative_prompt_embeds?: tf.Tensor | null;
  negative_prompt_embeds_mask?: tf.Tensor | null;
  negative_pooled_prompt_embeds?: tf.Tensor | null;
}

/**
 * Pairs as Diffusion-DPO takes them, under verl-omni's names. Rows are [chosen 0, rejected 0, chosen 1, ...]; noise and
 * times are equal within a pair. Latents are (B, C, H, W), or (B, S, C) where they are packed.
 */
export interface PairBatch extends NoisedBatch {
  /** (B, ...) x0 */
  latents_clean: tf.Tensor;
  /** (B, ...) */
  noise: tf.Tensor;
  /** (B, ...) what the reference model predicts; see `referencePredictions`. */
  ref_noise_pred?: tf.Tensor | null;
  /** (B) score of each picture; a chosen one must score at least its rejected one. */
  sample_level_rewards?: tf.Tensor | null;
}

/** An adapter that predicts from noised data. */
interface ForwardAdapter {
  forward(
    module: ModelMixin,
    modelConfig: DiffusionModelConfigLike,
    modelInputs: ModelInputs,
    negativeModelInputs: ModelInputs | null,
  ): tf.Tensor;
}

/**
 * What a model predicts at noised data, by the adapter that is registered for `modelConfig`.
 *
 * @returns Of the latents' shape, differentiable.
 * @throws When the registered adapter has no static method `forward`.
 *
 * @example
 * const modelConfig = { path: 'test/golden/models/tiny-sd3', algorithm: 'dpo' };
 * const transformer = SD3Transformer2DModel.fromPretrained(modelConfig.path);
 * const velocity = predictNoised(transformer, modelConfig, {
 *   noisy_latents: tf.zeros([1, 4, 8, 8]),
 *   timesteps: tf.tensor1d([500]),
 *   prompt_embeds: tf.zeros([1, 6, 48]),
 *   prompt_embeds_mask: tf.ones([1, 6]),
 *   pooled_prompt_embeds: tf.zeros([1, 40]),
 * });
 * velocity.shape; // [1, 4, 8, 8]
 */
export function predictNoised(
  module: ModelMixin,
  modelConfig: DiffusionModelConfigLike,
  batch: NoisedBatch,
): tf.Tensor {
  const adapter = DiffusionModelBase.getClass(modelConfig);
  if (!('forward' in adapter)) {
    throw new Error(
      `Cannot predict from noised data as ${adapter.name} must implement the static method forward`,
    );
  }
  const [inputs, negativeInputs] = adapter.prepareModelInputs(
    module,
    modelConfig,
    batch.noisy_latents,
    batch.timesteps,
    batch.prompt_embeds,
    batch.prompt_embeds_mask,
    batch.negative_prompt_embeds ?? null,
    batch.negative_prompt_embeds_mask ?? null,
    batch,
    0,
  );
  return (adapter as unknown as ForwardAdapter).forward(
    module,
    modelConfig,
    inputs,
    negativeInputs,
  );
}

/**
 * What the reference of Diffusion-DPO predicts: the model without the adapters that take part, or a state of it that was
 * kept. Compute it once for each batch, before training on it; the noise and times stay the same.
 *
 * @param reference For a model that trains all its weights; see `PolicyState.referenceOf`.
 * @returns Of the latents' shape; the caller owns it.
 * @throws When no reference is given and the model has no adapters, or none that takes part: it would be compared with itself.
 *
 * @example
 * const modelConfig = { path: 'test/golden/models/tiny-sd3', algorithm: 'dpo' };
 * const transformer = SD3Transformer2DModel.fromPretrained(modelConfig.path);
 * const batch = {
 *   noisy_latents: tf.ones([1, 4, 8, 8]),
 *   timesteps: tf.tensor1d([500]),
 *   prompt_embeds: tf.zeros([1, 6, 48]),
 *   prompt_embeds_mask: tf.ones([1, 6]),
 *   pooled_prompt_embeds: tf.zeros([1, 40]),
 * };
 * const before = predictNoised(transformer, modelConfig, batch);
 * transformer.addLora({ rank: 2, key: RandomKey.fromSeed(0) });
 * tf.max(tf.abs(tf.sub(referencePredictions(transformer, modelConfig, batch), before))); // 0
 */
export function referencePredictions(
  module: TrainableModel,
  modelConfig: DiffusionModelConfigLike,
  batch: NoisedBatch,
  reference: PolicyState | null = null,
): tf.Tensor {
  if (reference === null && module.adapters.names().length === 0) {
    throw new Error(
      'Cannot leave the adapters out as there must be some: a model that trains all its weights needs a frozen copy as its reference',
    );
  }
  const state = reference ?? PolicyState.referenceOf(module);
  return state.use(() => tf.tidy(() => predictNoised(module, modelConfig, batch)));
}
