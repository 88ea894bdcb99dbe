import type { tf } from '../../tensorflow';
import type { TransformerInputs } from '../diffusion-transformer';
import { checkInputNames, checkInputShape, invalidInput } from '../model-inputs';
import { CLASS_NAME, type SD3TransformerConfig } from './transformer-config';

/** Inputs of the transformer, by diffusers' names. */
export type SD3TransformerInputs = TransformerInputs & {
  /** (B, C, H, W) latents; H and W are multiples of `patch_size`. */
  hidden_states: tf.Tensor4D;
  /** (B), or (1) for all rows: the scheduler's time, 0 to 1000. */
  timestep: tf.Tensor1D;
  /** (B, L, D) the prompt's embeddings. */
  encoder_hidden_states: tf.Tensor3D;
  /** (B, P) the prompt's pooled embedding. */
  pooled_projections: tf.Tensor2D;
  /** `scale` multiplies the adapters; `attention_mask` changes nothing, as in diffusers. */
  joint_attention_kwargs?: { scale?: number; attention_mask?: tf.Tensor | null } | null;
  /** Indices of blocks to leave out. */
  skip_layers?: readonly number[] | null;
};

const INPUTS: readonly (keyof SD3TransformerInputs)[] = [
  'hidden_states',
  'timestep',
  'encoder_hidden_states',
  'pooled_projections',
  'joint_attention_kwargs',
  'skip_layers',
  'return_dict',
];
const KEYWORDS = ['scale', 'attention_mask'];

/** Checks the inputs against each other and the configuration. Throws with the name of what does not fit. */
export function checkTransformerInputs(
  inputs: SD3TransformerInputs,
  config: SD3TransformerConfig,
): void {
  const { hidden_states: x, encoder_hidden_states: text } = inputs;
  const { patch_size: patch, pos_embed_max_size: patches } = config;
  const [batch, , height, width] = x.shape;
  checkInputNames(CLASS_NAME, inputs, INPUTS);
  checkInputShape(CLASS_NAME, 'hidden_states', x, [batch, config.in_channels, height, width]);
  if ([height, width].some((side) => side % patch !== 0 || side > patch * patches || side === 0)) {
    const rule = `multiples of ${patch} up to ${patch * patches}`;
    throw invalidInput(CLASS_NAME, 'the sides of hidden_states', rule, `${height} x ${width}`);
  }
  checkInputShape(CLASS_NAME, 'timestep', inputs.timestep, [batch], [1]);
  const textShape = [batch, text.shape[1], config.joint_attention_dim];
  checkInputShape(CLASS_NAME, 'encoder_hidden_states', text, textShape);
  const pooledShape = [batch, config.pooled_projection_dim];
  checkInputShape(CLASS_NAME, 'pooled_projections', inputs.pooled_projections, pooledShape);
  const keywords = Object.keys(inputs.joint_attention_kwargs ?? {});
  const unknown = keywords.find((key) => !KEYWORDS.includes(key));
  if (unknown !== undefined) {
    const rule = `{${KEYWORDS.join(', ')}}`;
    throw invalidInput(CLASS_NAME, 'joint_attention_kwargs', rule, `{${unknown}}`);
  }
}
