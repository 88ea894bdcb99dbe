import { tf } from '../../tensorflow';
import { linear, silu, timestepEmbedding } from '../layers';
import type { ModelWeights } from '../model-weights';
import type { RunBlock } from '../run-block';
import { continuousLayerNorm, embedding, timeOfRows, type Streams } from '../transformer-parts';
import { centredPositions, patchify, unpatchify } from './patches';
import { transformerBlock } from './transformer-block';
import type { SD3TransformerConfig } from './transformer-config';
import type { SD3TransformerInputs } from './transformer-inputs';
import { POSITIONS } from './transformer-parameters';

/** Features of the time embedding. */
const TIME_FEATURES = 256;

/** The model as a function: predicts the velocity (B, C, H, W). */
export function transformerForward(
  inputs: SD3TransformerInputs,
  config: SD3TransformerConfig,
  weights: ModelWeights,
  runBlock: RunBlock,
): tf.Tensor4D {
  const { hidden_states: x, skip_layers: skipped } = inputs;
  const shared = { time: timeTextEmbedding(inputs, weights) };
  let streams: Streams = {
    img: patchEmbedding(x, config, weights),
    txt: weights.linear('context_embedder', inputs.encoder_hidden_states),
  };
  for (let index = 0; index < config.num_layers; index++) {
    if (skipped?.includes(index)) continue;
    const kind = {
      isLast: index === config.num_layers - 1,
      isDual: config.dual_attention_layers.includes(index),
    };
    const block = (input: Streams, { time }: { time: tf.Tensor2D }) =>
      transformerBlock(input, `transformer_blocks.${index}`, kind, {
        weights,
        heads: config.num_attention_heads,
        time,
      });
    streams = runBlock(block, streams, shared);
  }
  const normed = continuousLayerNorm(weights, 'norm_out.linear', streams.img, shared.time);
  return unpatchify(weights.linear('proj_out', normed), config.patch_size, x.shape.slice(2));
}

/** Each patch through one linear layer, plus its position: (B, H/p * W/p, C) */
function patchEmbedding(
  x: tf.Tensor4D,
  { patch_size: patch, pos_embed_max_size: side }: SD3TransformerConfig,
  weights: ModelWeights,
): tf.Tensor3D {
  const kernel = weights.get('pos_embed.proj.weight');
  const bias = weights.get('pos_embed.proj.bias') as tf.Tensor as tf.Tensor1D;
  const patches = patchify(x, patch);
  const matrix = kernel.reshape<tf.Tensor2D>([kernel.shape[0], patches.shape[2]]);
  const grid = [x.shape[2] / patch, x.shape[3] / patch];
  const table = weights.get(POSITIONS) as tf.Tensor as tf.Tensor3D;
  return tf.add(linear(patches, matrix, bias), centredPositions(table, side, grid));
}

/** silu of the embedding of time and pooled text, for the modulations. */
function timeTextEmbedding(
  { timestep, pooled_projections: pooled }: SD3TransformerInputs,
  weights: ModelWeights,
): tf.Tensor2D {
  const time = timeOfRows(timestep, pooled.shape[0]);
  const features = timestepEmbedding(time, TIME_FEATURES, 1);
  return silu(
    tf.add(
      embedding(weights, 'time_text_embed.timestep_embedder', features),
      embedding(weights, 'time_text_embed.text_embedder', pooled),
    ),
  );
}
