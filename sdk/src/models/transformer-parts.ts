import { tf } from '../tensorflow';
import { geluTanh, modulatedLayerNorm, silu } from './layers';
import type { ModelWeights } from './model-weights';

/** The two streams of a joint block. */
export type Streams = {
  /** (B, S, C) */
  img: tf.Tensor3D;
  /** (B, L, C) */
  txt: tf.Tensor3D;
};

/** Linear, GELU, linear: (B, L, C) -> (B, L, C). diffusers' FeedForward. */
export function feedForward(weights: ModelWeights, path: string, x: tf.Tensor3D): tf.Tensor3D {
  return weights.linear(`${path}.net.2`, geluTanh(weights.linear(`${path}.net.0.proj`, x)));
}

/** A time a row: (B), or (1) for all -> (B) */
export function timeOfRows(timestep: tf.Tensor1D, rows: number): tf.Tensor1D {
  const time = tf.cast<tf.Tensor1D>(timestep, 'float32');
  return time.shape[0] === rows ? time : tf.tile(time, [rows]);
}

/** Linear, SiLU, linear: (B, in) -> (B, C). diffusers' TimestepEmbedding. */
export function embedding(weights: ModelWeights, path: string, x: tf.Tensor2D): tf.Tensor2D {
  return weights.linear(`${path}.linear_2`, silu(weights.linear(`${path}.linear_1`, x)));
}

/**
 * Layer norm with scale and shift made from `time`: diffusers' AdaLayerNormContinuous.
 *
 * @param x (B, L, C)
 * @param time (B, C), after its SiLU.
 */
export function continuousLayerNorm(
  weights: ModelWeights,
  path: string,
  x: tf.Tensor3D,
  time: tf.Tensor2D,
): tf.Tensor3D {
  const [scale, shift] = modulations(weights, path, time, 2);
  return modulatedLayerNorm(x, shift, scale);
}

/** The linear layer at `path` of time (B, C), in parts (B, 1, C). */
export function modulations(
  weights: ModelWeights,
  path: string,
  time: tf.Tensor2D,
  parts: number,
): tf.Tensor3D[] {
  return tf.split(weights.linear(path, time).expandDims<tf.Tensor3D>(1), parts, 2);
}

/** x + gate y */
export function gatedAdd(x: tf.Tensor3D, gate: tf.Tensor3D, y: tf.Tensor3D): tf.Tensor3D {
  return tf.add(x, tf.mul(gate, y));
}
