import { tf } from '../../tensorflow';
import { silu } from '../layers';
import type { Convolution, VaeWeights } from './vae-weights';

/** A step of the encoder or decoder on activations (B, H, W, C), channels last. */
export type Layer = (x: tf.Tensor4D) => tf.Tensor4D;

/** torch's `normalize` divides by max(|x|, 1e-12). */
const SMALLEST_SQUARE = 1e-24;

/** y = W * x + b with zeros around the picture. */
export function convolve(x: tf.Tensor4D, { kernel, bias }: Convolution, stride = 1): tf.Tensor4D {
  return tf.add(tf.conv2d(x, kernel, stride, 'same'), bias);
}

/** y = x / |x| * sqrt(C) * gamma, with the length |x| over the channels of each pixel. */
export function channelNorm(x: tf.Tensor4D, gain: tf.Tensor2D): tf.Tensor4D {
  const square = tf.maximum(tf.sum(tf.square(x), 3), SMALLEST_SQUARE); // (B, H, W)
  // An outer product and one full-size product cost half of two broadcast products.
  const scale = tf.matMul(tf.rsqrt(square).reshape([-1, 1]), gain); // (B H W, C)
  return tf.mul(x, scale.reshape(x.shape));
}

/** Norm, SiLU, convolution, twice, added to the input. */
export function residualBlock(weights: VaeWeights, name: string): Layer {
  const gain1 = weights.gain(`${name}.norm1`);
  const conv1 = weights.convolution(`${name}.conv1`);
  const gain2 = weights.gain(`${name}.norm2`);
  const conv2 = weights.convolution(`${name}.conv2`);
  const shortcut = weights.stateDict.has(`${name}.conv_shortcut.weight`)
    ? weights.convolution(`${name}.conv_shortcut`)
    : null;
  return (x) =>
    tf.tidy(() => {
      const h = tf.tidy(() => convolve(silu(channelNorm(x, gain1)), conv1));
      const y = tf.tidy(() => convolve(silu(channelNorm(h, gain2)), conv2));
      return tf.add(y, shortcut === null ? x : convolve(x, shortcut));
    });
}

/** Self-attention of one head over the pixels, added to the input. */
export function attentionBlock(weights: VaeWeights, name: string): Layer {
  const gain = weights.gain(`${name}.norm`);
  const toQkv = weights.convolution(`${name}.to_qkv`);
  const proj = weights.convolution(`${name}.proj`);
  return (x) =>
    tf.tidy(() => {
      const [B, H, W, C] = x.shape;
      const qkv = convolve(channelNorm(x, gain), toQkv).reshape([B, H * W, 3 * C]);
      const [q, k, v] = tf.split(qkv, 3, 2); // (B, H W, C)
      const scores = tf.matMul(tf.mul(q, 1 / Math.sqrt(C)), k, false, true); // (B, H W, H W)
      const y = tf.matMul(tf.softmax(scores), v).reshape(x.shape) as tf.Tensor4D;
      return tf.add(x, convolve(y, proj));
    });
}

/** (B, H, W, 2 2 C) -> (B, 2H, 2W, C). tfjs's own depthToSpace has no gradient. */
function spread(x: tf.Tensor4D, C: number): tf.Tensor4D {
  const [B, H, W] = x.shape;
  return tf
    .reshape(x, [B * H, W, 2, 2 * C])
    .transpose([0, 2, 1, 3])
    .reshape([B, 2 * H, 2 * W, C]);
}

/** Twice the height and width: nearest neighbour, then a 3x3 convolution. */
export function upsample(weights: VaeWeights, name: string): Layer {
  const { kernel, bias } = weights.upsamplingConvolution(`${name}.resample.1`);
  return (x) =>
    tf.tidy(() => {
      const parities = tf.conv2d(x, kernel, 1, 'same'); // (B, H, W, 2 2 out), row before column
      return tf.add(spread(parities, bias.size), bias);
    });
}

/**
 * Half the height and width: a 3x3 convolution of stride 2 with one row and column of zeros at
 * the end, which is what "same" means for even sides.
 */
export function downsample(weights: VaeWeights, name: string): Layer {
  const convolution = weights.convolution(`${name}.resample.1`);
  return (x) => tf.tidy(() => convolve(x, convolution, 2));
}

/** Residual block, attention, residual block, at the coarsest level. */
export function midBlock(weights: VaeWeights, name: string): Layer[] {
  return [
    residualBlock(weights, `${name}.resnets.0`),
    attentionBlock(weights, `${name}.attentions.0`),
    residualBlock(weights, `${name}.resnets.1`),
  ];
}

/** Norm, SiLU, and the last convolution. */
export function head(weights: VaeWeights, name: string): Layer {
  const gain = weights.gain(`${name}.norm_out`);
  const convOut = weights.convolution(`${name}.conv_out`);
  return (x) => tf.tidy(() => convolve(silu(channelNorm(x, gain)), convOut));
}

/** A single convolution as a layer. */
export function convolutionLayer(weights: VaeWeights, name: string): Layer {
  const convolution = weights.convolution(name);
  return (x) => tf.tidy(() => convolve(x, convolution));
}

/** Runs layers one after another; each activation is freed as soon as the next is there. */
export function runLayers(layers: readonly Layer[], input: tf.Tensor4D): tf.Tensor4D {
  return layers.reduce((x, layer) => {
    const y = layer(x);
    if (x !== input) x.dispose();
    return y;
  }, input);
}
