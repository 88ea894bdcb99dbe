import { SD3Transformer2DModel } from '../../../../sdk/src/models/stable-diffusion-3/transformer';
import { parseTransformerConfig } from '../../../../sdk/src/models/stable-diffusion-3/transformer-config';
import type { SD3TransformerInputs } from '../../../../sdk/src/models/stable-diffusion-3/transformer-inputs';
import { parameterShapes } from '../../../../sdk/src/models/stable-diffusion-3/transformer-parameters';

import { tf } from '../../../../sdk/src/tensorflow';
import { draw, randomStateDict } from '../model-theory';

const TINY_CONFIG = {
  sample_size: 8,
  in_channels: 3,
  out_channels: null,
  num_layers: 2,
  attention_head_dim: 6,
  num_attention_heads: 2,
  joint_attention_dim: 5,
  caption_projection_dim: 12,
  pooled_projection_dim: 7,
  pos_embed_max_size: 5,
};

/** Settings that make it a Stable Diffusion 3.5. */
export const VERSION_3_5 = { qk_norm: 'rms_norm', dual_attention_layers: [0, 1] };

/** A transformer with random weights that depend on nothing but their names. */
export function tinyTransformer(changes: Record<string, unknown> = {}): SD3Transformer2DModel {
  const config = { ...TINY_CONFIG, ...changes };
  const stateDict = randomStateDict(parameterShapes(parseTransformerConfig(config)));
  return new SD3Transformer2DModel(config, stateDict);
}

/** Two rows of 4 x 6 latents and 4 text tokens. */
export function tinyInputs(): SD3TransformerInputs & { return_dict: false } {
  return {
    hidden_states: draw('latents', [2, 3, 4, 6]) as tf.Tensor4D,
    encoder_hidden_states: draw('text', [2, 4, 5]) as tf.Tensor3D,
    pooled_projections: draw('pooled', [2, 7]) as tf.Tensor2D,
    timestep: tf.tensor1d([300, 812.5]),
    return_dict: false,
  };
}

if (require.main === module) {
  const values = tinyTransformer(VERSION_3_5).forward(tinyInputs())[0].dataSync();
  process.stdout.write(JSON.stringify([...values]));
}
