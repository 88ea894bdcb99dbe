import type { SD3TransformerInputs } from '../../models/stable-diffusion-3/transformer-inputs';
import type { tf } from '../../tensorflow';

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
): SD3TransformerInputs {
  return {
    hidden_states: latents as tf.Tensor4D,
    encoder_hidden_states: promptEmbeds as tf.Tensor3D,
    pooled_projections: pooled as tf.Tensor2D,
    timestep: timestep as tf.Tensor1D,
    return_dict: false,
  };
}
