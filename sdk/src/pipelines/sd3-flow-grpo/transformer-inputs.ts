import type { tf } from '../../tensorflow';
import type { ModelInputs } from '../model-mixin';

/**
 * What the transformer takes, by diffusers' names.
 *
 * @param latents (B, C, H, W)
 * @param timestep (B), from 0 to 1000.
 * @param promptEmbeds (B, L, D)
 * @param pooled (B, P)
 */
export function transformerInputs(
  latents: tf.Tensor,
  timestep: tf.Tensor,
  promptEmbeds: tf.Tensor,
  pooled: tf.Tensor,
): ModelInputs {
  return {
    hidden_states: latents,
    encoder_hidden_states: promptEmbeds,
    pooled_projections: pooled,
    timestep,
    return_dict: false,
  };
}
