import { tf } from '../../tensorflow';
import { silu } from '../layers';
import type { Convolution, VaeWeights } from './vae-weights';

/** A step of the encoder or decoder on activations (B, H, W, C), channels last. */
export type Layer = (x: tf.Tensor4D) => tf.Tensor4D;

/** Finds the norm under a name of the checkpoint. */
export type FindNorm = (name: string) => Layer;

/** y = W * x + b with zeros around the picture. */
export function convolve(x: tf.Tensor4D, { kernel, bias }: Convolution, stride = 1): tf.Tensor4D {
  return tf.add(tf.conv2d(x, kernel, stride, 'same'), bias);
}

/** Norm, SiLU, convolution, twice, added to the input. */
export function residualBlock(weights: VaeWeights, name: string, norm: FindNorm): Layer {
  const norm1 = norm(`${name}.norm1`);
  const conv1 = weights.convolution(`${name}.conv1`);
  const norm2 = norm(`${name}.norm2`);
  const conv2 = weights.convolution(`${name}.conv2`);
  const shortcut = weights.stateDict.has(`${name}.conv_shortcut.weight`)
    ? weights.convolution(`${name}.conv_shortcut`)
    : null;
  return (x) =>
    tf.tidy(() => {
      const h = tf.tidy(() => convolve(silu(norm1(x)), conv1));
      const y = tf.tidy(() => convolve(silu(norm2(h)), conv2));
      return tf.add(y, shortcut === null ? x : convolve(x, shortcut));
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

/** Twice the height and width: nearest neighbour, then the 3x3 convolution `name`. */
export function upsample(weights: VaeWeights, name: string): Layer {
  const { kernel, bias } = weights.upsamplingConvolution(name);
  return (x) =>
    tf.tidy(() => {
      const parities = tf.conv2d(x, kernel, 1, 'same'); // (B, H, W, 2 2 out), row before column
      return tf.add(spread(parities, bias.size), bias);
    });
}

/**
 * Half the height and width: the 3x3 convolution `name` of stride 2 with one row and column of zeros at
 * the end, which is what "same" means for even sides.
 */
export function downsample(weights: VaeWeights, name: string): Layer {
  const convolution = weights.convolution(name);
  return (x) => tf.tidy(() => convolve(x, convolution, 2));
}

/** Norm, SiLU, and the last convolution. */
export function head(weights: VaeWeights, norm: Layer, convolution: string): Layer {
  const convOut = weights.convolution(convolution);
  return (x) => tf.tidy(() => convolve(silu(norm(x)), convOut));
}

/** A single convolution as a layer. */
export function convolutionLayer(weights: VaeWeights, name: string): Layer {
  const convolution = weights.convolution(name);
  return (x) => tf.tidy(() => convolve(x, convolution));
}
