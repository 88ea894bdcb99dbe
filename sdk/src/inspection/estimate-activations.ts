import type { TransformerShape } from './known-classes';
import type { MemorySettings } from './model-report';

const FLOAT_BYTES = 4;

/**
 * Values for each token and channel, and matrices of attention scores for each head, that are in memory at the worst moment.
 * Fitted to what TensorFlow.js held (`tf.profile`) in forward passes and `tf.variableGrads` of small models with 4 to 208
 * tokens, which they meet within a quarter. Of a backward pass it is per block: what the forward pass keeps, and the
 * gradient of each intermediate result.
 */
const FORWARD = { values: 68, attending: { values: 30, scores: 3 } };
const BACKWARD = { values: 85, scores: 3.5 };

/** The same for the attention of a picture to itself alone. */
const DUAL_VALUES = 20;

/** Pictures at full size and first width that an autoencoder has at the same time; measured 9.5 and 14. */
const LIVE_PICTURES = 12;

/** What activations depend on. */
export type ActivationSettings = Pick<MemorySettings, 'height' | 'width' | 'batch' | 'textTokens'>;

/**
 * Estimates, in bytes, how much memory a transformer's intermediate results take at the worst moment of a forward pass
 * and of a forward pass with its backward pass, from the shapes of its blocks. The truth depends on what TensorFlow keeps.
 *
 * @param compression Pixels a side for each latent.
 * @returns `rowBytes` are those of one value for each token that a layer sees.
 */
export function estimateTransformer(
  { blocks, dualBlocks, width: C, heads, patch }: TransformerShape,
  compression: number,
  { height, width, batch, textTokens }: ActivationSettings,
): { forward: number; backward: number; rowBytes: number } {
  const side = compression * patch;
  const S = Math.ceil(height / side) * Math.ceil(width / side);
  const N = S + textTokens;
  const scores = heads * N ** 2;
  const { values, attending } = FORWARD;
  const forward = Math.max(values * N * C, attending.values * N * C + attending.scores * scores);
  const joint = BACKWARD.values * N * C + BACKWARD.scores * scores;
  const alone = DUAL_VALUES * S * C + BACKWARD.scores * heads * S ** 2;
  const backward = Math.max(forward, blocks * joint + dualBlocks * alone);
  const bytes = batch * FLOAT_BYTES;
  // A layer sees one of the two streams.
  const rowBytes = (bytes * N) / 2;
  return { forward: bytes * forward, backward: bytes * backward, rowBytes };
}

/** Estimates, in bytes, what decoding one picture takes at the worst moment; pictures of a batch go one by one. */
export function estimateDecoding(channels: number, { height, width }: ActivationSettings): number {
  return LIVE_PICTURES * height * width * channels * FLOAT_BYTES;
}
