import { tf } from '../../tensorflow';
import type { TransformerInputs } from '../diffusion-transformer';
import { MASKED } from '../layers';
import { checkInputNames, checkInputShape, invalidInput } from '../model-inputs';
import type { ImageShape } from './rope';
import type { QwenImageTransformerConfig } from './transformer-config';

const NAME = 'QwenImageTransformer2DModel';

const INPUTS: readonly (keyof QwenImageTransformerInputs)[] = [
  'hidden_states',
  'timestep',
  'encoder_hidden_states',
  'encoder_hidden_states_mask',
  'img_shapes',
  'guidance',
  'additional_t_cond',
  'attention_kwargs',
  'return_dict',
];

/** Inputs of the transformer, by diffusers' names. */
export type QwenImageTransformerInputs = TransformerInputs & {
  /** (B, S, C) packed latents; the tokens of all images of a row, one after the other. */
  hidden_states: tf.Tensor3D;
  /** (B), or (1) for all rows: noise level between 0 and 1, the scheduler's timestep / 1000. */
  timestep: tf.Tensor1D;
  /** (B, L, D) states of the text encoder. */
  encoder_hidden_states: tf.Tensor3D;
  /** (B, L) 1 at text tokens, 0 at padding, which may be anywhere. Null or missing: all are text. */
  encoder_hidden_states_mask?: tf.Tensor2D | null;
  /**
   * For each row its images as [frames, height, width] in patches. All rows must agree. With `use_layer3d_rope` the last
   * image, the condition, has one frame.
   */
  img_shapes: readonly (readonly ImageShape[])[] | number[][][];
  /** Must be null: diffusers' model has no weights for it. */
  guidance?: tf.Tensor | null;
  /**
   * (B), or (1) for all rows: int32, 0 or 1; for models with `use_additional_t_cond`. With `zero_cond_t` (2 B), the second
   * half for time 0.
   */
  additional_t_cond?: tf.Tensor1D | null;
  /** `scale` multiplies the adapters. */
  attention_kwargs?: { scale?: number } | null;
};

/** Checks the inputs against each other and the configuration. Throws with the name of what does not fit. */
export function checkTransformerInputs(
  inputs: QwenImageTransformerInputs,
  config: QwenImageTransformerConfig,
): void {
  const { hidden_states: x, encoder_hidden_states: text, timestep, img_shapes: shapes } = inputs;
  const [batch, tokens] = x.shape;
  checkInputNames(NAME, inputs, INPUTS);
  const mask = inputs.encoder_hidden_states_mask ?? null;
  checkInputShape(NAME, 'hidden_states', x, [batch, tokens, config.in_channels]);
  checkInputShape(NAME, 'encoder_hidden_states', text, [
    batch,
    text.shape[1],
    config.joint_attention_dim,
  ]);
  checkInputShape(NAME, 'timestep', timestep, [batch], [1]);
  if (mask !== null)
    checkInputShape(NAME, 'encoder_hidden_states_mask', mask, [batch, text.shape[1]]);
  const first = JSON.stringify(shapes[0] ?? null);
  if (shapes.length !== batch || shapes.some((row) => JSON.stringify(row) !== first)) {
    throw invalid('img_shapes', `${batch} equal rows`, JSON.stringify(shapes));
  }
  const lastFrames = shapes[0].at(-1)?.[0];
  if (config.use_layer3d_rope && lastFrames !== 1) {
    const rule = '1, as "use_layer3d_rope" is true';
    throw invalid('the number of frames of the last image', rule, lastFrames);
  }
  const expected = shapes[0].reduce(
    (sum, [frames, height, width]) => sum + frames * height * width,
    0,
  );
  if (expected !== tokens) {
    throw invalid('the number of image tokens', `${expected}, as img_shapes say`, tokens);
  }
  if (inputs.guidance !== null && inputs.guidance !== undefined) {
    throw invalid('guidance', 'null: the model has no weights for "guidance_embeds"', 'a tensor');
  }
  const condition = inputs.additional_t_cond ?? null;
  const hasCondition = condition !== null;
  if (hasCondition !== config.use_additional_t_cond) {
    const rule = config.use_additional_t_cond ? 'given' : 'missing';
    throw invalid(
      'additional_t_cond',
      `${rule}, as "use_additional_t_cond" is ${config.use_additional_t_cond}`,
      hasCondition ? 'a tensor' : 'nothing',
    );
  }
  if (condition !== null) {
    const rows = config.zero_cond_t ? 2 * batch : batch;
    checkInputShape(NAME, 'additional_t_cond', condition, [rows], [1]);
  }
  const unknown = Object.keys(inputs.attention_kwargs ?? {}).find((key) => key !== 'scale');
  if (unknown !== undefined) throw invalid('attention_kwargs', '{scale}', `{${unknown}}`);
}

/** What keeps attention from padding: (B, 1, 1, L + S), zero at tokens to look at. */
export function attentionBias(mask: tf.Tensor2D, imageTokens: number): tf.Tensor4D {
  const [batch, length] = mask.shape;
  const text = tf.mul<tf.Tensor2D>(tf.cast(tf.equal(mask, 0), 'float32'), MASKED);
  const all = tf.concat2d([text, tf.zeros([batch, imageTokens])], 1);
  return all.reshape([batch, 1, 1, length + imageTokens]);
}

function invalid(what: string, rule: string, value: unknown): Error {
  return invalidInput(NAME, what, rule, value);
}
