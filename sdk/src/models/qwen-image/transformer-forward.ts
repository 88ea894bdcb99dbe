import { tf, toFloat32 } from '../../tensorflow';
import { rmsNorm, rotaryTables, silu, timestepEmbedding } from '../layers';
import type { ModelWeights } from '../model-weights';
import type { RunBlock } from '../run-block';
import { continuousLayerNorm, embedding, timeOfRows, type Streams } from '../transformer-parts';
import { qwenRotaryFactors, type ImageShape } from './rope';
import { transformerBlock, type SharedTensors } from './transformer-block';
import type { QwenImageTransformerConfig } from './transformer-config';
import { attentionBias, type QwenImageTransformerInputs } from './transformer-inputs';

/** Features of the time embedding. */
const TIME_FEATURES = 256;
/** The scheduler's time for noise level 1. */
const TIME_SCALE = 1000;

/** The model as a function: predicts the velocity (B, S, patch_size^2 out_channels). */
export function transformerForward(
  inputs: QwenImageTransformerInputs,
  config: QwenImageTransformerConfig,
  weights: ModelWeights,
  runBlock: RunBlock,
): tf.Tensor3D {
  const { hidden_states: x, encoder_hidden_states: text } = inputs;
  const shapes = inputs.img_shapes[0] as readonly ImageShape[];
  const mask = inputs.encoder_hidden_states_mask ?? null;
  const tokens = x.shape[1];
  const { img, txt } = qwenRotaryFactors(shapes, text.shape[1], {
    axesDimsRope: config.axes_dims_rope,
    layer3d: config.use_layer3d_rope,
  });
  const joint = {
    cos: tf.concat2d([txt.cos, img.cos], 0),
    sin: tf.concat2d([txt.sin, img.sin], 0),
  };
  const time = timeEmbedding(inputs, config, weights);
  const shared: SharedTensors = {
    time,
    rotary: rotaryTables(joint),
    imageRotary: rotaryTables(img),
    bias: mask === null ? null : attentionBias(mask, tokens),
    isCondition: config.zero_cond_t ? conditionTokens(shapes, x.shape[0]) : null,
  };
  const normed = rmsNorm(text, weights.get('txt_norm.weight') as tf.Tensor as tf.Tensor1D);
  let streams: Streams = {
    img: weights.linear('img_in', x),
    txt: weights.linear('txt_in', normed),
  };
  for (let index = 0; index < config.num_layers; index++) {
    const isLast = index === config.num_layers - 1;
    const block = (input: Streams, tensors: SharedTensors) =>
      transformerBlock(input, `transformer_blocks.${index}`, isLast, {
        ...tensors,
        weights,
        heads: config.num_attention_heads,
      });
    streams = runBlock(block, streams, shared);
  }
  const normedImage = continuousLayerNorm(weights, 'norm_out.linear', streams.img, time.txt);
  return weights.linear('proj_out', normedImage);
}

/** silu of the time's embedding, for the modulations. */
function timeEmbedding(
  { hidden_states: x, timestep, additional_t_cond: condition }: QwenImageTransformerInputs,
  { zero_cond_t: zeroCondition }: QwenImageTransformerConfig,
  weights: ModelWeights,
): SharedTensors['time'] {
  const sigma = timeOfRows(timestep, x.shape[0]);
  const all = zeroCondition ? tf.concat1d([sigma, tf.zerosLike(sigma)]) : sigma;
  const features = timestepEmbedding(all, TIME_FEATURES, TIME_SCALE);
  const embedded = embedding(weights, 'time_text_embed.timestep_embedder', features);
  const withCondition =
    condition === null || condition === undefined
      ? embedded
      : tf.add<tf.Tensor2D>(embedded, conditionEmbedding(condition, weights));
  const img = silu(withCondition);
  return { img, txt: zeroCondition ? tf.split<tf.Tensor2D>(img, 2, 0)[0] : img };
}

/** The rows (B, C) of a learned table. tfjs's gather reads its indices, which a compiled function cannot. */
function conditionEmbedding(condition: tf.Tensor1D, weights: ModelWeights): tf.Tensor2D {
  const table = weights.get(
    'time_text_embed.addition_t_embedding.weight',
  ) as tf.Tensor as tf.Tensor2D;
  const rows = tf.oneHot(tf.cast(condition, 'int32'), table.shape[0]) as tf.Tensor2D;
  return tf.matMul(rows, toFloat32(table));
}

/** (B, S, 1), true at the tokens of all images but the first. */
function conditionTokens(shapes: readonly ImageShape[], batch: number): tf.Tensor3D {
  const row = shapes.flatMap(([frames, height, width], index) =>
    Array<boolean>(frames * height * width).fill(index > 0),
  );
  return tf.tile(tf.tensor3d(row.map(Number), [1, row.length, 1], 'bool'), [batch, 1, 1]);
}
