import type { DiffusionModelConfigLike } from '../../config';
import type { tf } from '../../tensorflow';
import { DiffusionModelBase } from '../diffusion-model-base';
import type { MicroBatch, ModelInputs, ModelMixin } from '../model-mixin';

/** Pairs as Diffusion-DPO takes them, under verl-omni's names. Rows are [chosen 0, rejected 0, chosen 1, ...]. */
export interface PairBatch extends MicroBatch {
  /** (B, C, H, W) x0 */
  latents_clean: tf.Tensor;
  /** (B, C, H, W), equal within a pair. */
  noise: tf.Tensor;
  /** (B) from 0 to 1000, equal within a pair. */
  timesteps: tf.Tensor;
  /** (B, C, H, W) */
  noisy_latents: tf.Tensor;
  /** (B, L, D) */
  prompt_embeds: tf.Tensor;
  /** (B, L) */
  prompt_embeds_mask: tf.Tensor;
  /** (B, P) */
  pooled_prompt_embeds?: tf.Tensor;
  negative_prompt_embeds?: tf.Tensor | null;
  negative_prompt_embeds_mask?: tf.Tensor | null;
  negative_pooled_prompt_embeds?: tf.Tensor | null;
  /** (B, C, H, W) what the reference model predicts; see `referencePredictions`. */
  ref_noise_pred?: tf.Tensor | null;
  /** (B) score of each picture; a chosen one must score at least its rejected one. */
  sample_level_rewards?: tf.Tensor | null;
}

/** A model with adapters that can be left out. */
export interface AdaptedModel extends ModelMixin {
  readonly adapters: { enabled: boolean; readonly active: readonly string[] };
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
 * @returns (B, C, H, W), differentiable.
 * @throws When the registered adapter has no static method `forward`.
 */
export function predictNoised(
  module: ModelMixin,
  modelConfig: DiffusionModelConfigLike,
  batch: PairBatch,
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
 * What the model predicts without its adapters: the reference of Diffusion-DPO. Compute it once for each
 * batch, before training on it; the noise and times stay the same.
 *
 * @returns (B, C, H, W); the caller owns it.
 * @throws When the model has no active adapters: it would be compared with itself. Keep a frozen copy then.
 */
export function referencePredictions(
  module: AdaptedModel,
  modelConfig: DiffusionModelConfigLike,
  batch: PairBatch,
): tf.Tensor {
  const { adapters } = module;
  if (adapters.active.length === 0) {
    throw new Error(
      'Cannot leave the adapters out as there must be some: a model that trains all its weights needs a frozen copy as its reference',
    );
  }
  const { enabled } = adapters;
  adapters.enabled = false;
  try {
    return predictNoised(module, modelConfig, batch);
  } finally {
    adapters.enabled = enabled;
  }
}
