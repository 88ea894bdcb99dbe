import { QwenImageTransformer2DModel } from '../../../sdk/src/models/qwen-image/transformer';
import { parseTransformerConfig } from '../../../sdk/src/models/qwen-image/transformer-config';
import type { QwenImageTransformerInputs } from '../../../sdk/src/models/qwen-image/transformer-inputs';
import { parameterShapes } from '../../../sdk/src/models/qwen-image/transformer-parameters';
import { tf } from '../../../sdk/src/tensorflow';
import { draw, randomStateDict } from './model-theory';

export const TINY_CONFIG = {
  _class_name: 'QwenImageTransformer2DModel',
  patch_size: 2,
  in_channels: 8,
  out_channels: 2,
  num_layers: 2,
  attention_head_dim: 8,
  num_attention_heads: 2,
  joint_attention_dim: 6,
  axes_dims_rope: [4, 2, 2],
};

/** A transformer with random weights that depend on nothing but their names. */
export function tinyTransformer(
  changes: Record<string, unknown> = {},
): QwenImageTransformer2DModel {
  const config = { ...TINY_CONFIG, ...changes };
  const stateDict = randomStateDict(parameterShapes(parseTransformerConfig(config)));
  return new QwenImageTransformer2DModel(config, stateDict);
}

/** Two rows of 2 x 3 image tokens and 4 text tokens. */
export function tinyInputs(): QwenImageTransformerInputs & { return_dict: false } {
  return {
    hidden_states: draw('image', [2, 6, 8]) as tf.Tensor3D,
    encoder_hidden_states: draw('text', [2, 4, 6]) as tf.Tensor3D,
    encoder_hidden_states_mask: tf.tensor2d([1, 1, 1, 0, 1, 0, 1, 1], [2, 4], 'int32'),
    timestep: tf.tensor1d([0.3, 0.8]),
    img_shapes: [[[1, 2, 3]], [[1, 2, 3]]],
    return_dict: false,
  };
}
