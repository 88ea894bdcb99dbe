import { tf } from '../../tensorflow';
import { convolve, residualBlock, type Layer } from '../autoencoder/layers';
import type { VaeWeights } from '../autoencoder/vae-weights';

/** torch's `normalize` divides by max(|x|, 1e-12). */
const SMALLEST_SQUARE = 1e-24;

/** y = x / |x| * sqrt(C) * gamma, with the length |x| over the channels of each pixel. */
function channelNorm(x: tf.Tensor4D, gain: tf.Tensor2D): tf.Tensor4D {
  const square = tf.maximum(tf.sum(tf.square(x), 3), SMALLEST_SQUARE); // (B, H, W)
  // An outer product and one full-size product cost half of two broadcast products.
  const scale = tf.matMul(tf.rsqrt(square).reshape([-1, 1]), gain); // (B H W, C)
  return tf.mul(x, scale.reshape(x.shape));
}

/** The norm `name` over the channels of each pixel. */
export function channelNormLayer(weights: VaeWeights, name: string): Layer {
  const gain = weights.tensor<tf.Tensor2D>(`${name}.gamma`, (gamma) =>
    tf.mul(gamma.reshape([1, gamma.size]), Math.sqrt(gamma.size)),
  );
  return (x) => channelNorm(x, gain);
}

/** A residual block with Qwen-Image's norms. */
export function qwenResidualBlock(weights: VaeWeights, name: string): Layer {
  return residualBlock(weights, name, (norm) => channelNormLayer(weights, norm));
}

/** Self-attention of one head over the pixels, added to the input. */
export function attentionBlock(weights: VaeWeights, name: string): Layer {
  const norm = channelNormLayer(weights, `${name}.norm`);
  const toQkv = weights.convolution(`${name}.to_qkv`);
  const proj = weights.convolution(`${name}.proj`);
  return (x) =>
    tf.tidy(() => {
      const [B, H, W, C] = x.shape;
      const qkv = convolve(norm(x), toQkv).reshape([B, H * W, 3 * C]);
      const [q, k, v] = tf.split(qkv, 3, 2); // (B, H W, C)
      const scores = tf.matMul(tf.mul(q, 1 / Math.sqrt(C)), k, false, true); // (B, H W, H W)
      const y = tf.matMul(tf.softmax(scores), v).reshape(x.shape) as tf.Tensor4D;
      return tf.add(x, convolve(y, proj));
    });
}

/** Residual block, attention, residual block, at the coarsest level. */
export function midBlock(weights: VaeWeights, name: string): Layer[] {
  return [
    qwenResidualBlock(weights, `${name}.resnets.0`),
    attentionBlock(weights, `${name}.attentions.0`),
    qwenResidualBlock(weights, `${name}.resnets.1`),
  ];
}
