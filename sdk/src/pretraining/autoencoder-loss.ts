import { tf } from '../tensorflow';

/** Weights of the parts of `autoencoderLoss`. */
export interface AutoencoderLossWeights {
  /** Of the squared error where a picture is not its ground; 1 elsewhere. */
  foreground: number;
  /** Of the squared error of mean colours. */
  chroma: number;
  /** Of the divergence from a standard normal distribution, a mean over values. */
  kl: number;
}

/** What `autoencoderLoss` compares. */
export interface AutoencoderPass {
  /** (B, H, W, 3) from -1 to 1. */
  pictures: tf.Tensor4D;
  /** (B, H, W, 3) what the decoder made. */
  decoded: tf.Tensor4D;
  /** (B, h, w, C) */
  mean: tf.Tensor4D;
  /** (B, h, w, C) */
  logvar: tf.Tensor4D;
}

/** Pixels along a side whose mean colour is compared. */
const CHROMA_SIDE = 4;

/** A pixel is no ground from this distance in one channel on. */
const GROUND_DISTANCE = 0.1;

/**
 * The loss of an autoencoder for flat pictures: absolute errors, of differences between neighbours too, squared errors that
 * weigh more where there is something, and of colours over blocks of 4 x 4 pixels.
 *
 * Without the last two, whose target is small in a picture's mean, every shape gets the mean of all colours.
 *
 * @param ground (3) The colour of empty ground, from -1 to 1.
 * @returns A scalar.
 *
 * @example
 * const pictures = tf.zeros([1, 4, 4, 3]) as tf.Tensor4D;
 * const codes = tf.zeros([1, 1, 1, 2]) as tf.Tensor4D;
 * const pass = { pictures, decoded: pictures, mean: codes, logvar: codes };
 * autoencoderLoss(pass, [0, 0, 0], { foreground: 10, chroma: 10, kl: 1e-5 }); // 0
 */
export function autoencoderLoss(
  { pictures, decoded, mean, logvar }: AutoencoderPass,
  ground: readonly number[],
  weights: AutoencoderLossWeights,
): tf.Scalar {
  const error = tf.sub<tf.Tensor4D>(decoded, pictures);
  const absolute = tf.mean(tf.abs(error));
  const edges = tf.add(
    tf.mean(tf.abs(differences(error, 1))),
    tf.mean(tf.abs(differences(error, 2))),
  );
  const away = tf.max(tf.abs(tf.sub(pictures, tf.tensor1d([...ground]))), 3, true);
  const isForeground = tf.cast(tf.greater(away, GROUND_DISTANCE), 'float32');
  const emphasis = tf.add(1, tf.mul(isForeground, weights.foreground - 1));
  const squared = tf.mean(tf.mul(tf.square(error), emphasis));
  const colors = tf.mean(tf.square(chroma(error)));
  // log-variances are kept from running away by this alone.
  const divergence = tf.mul(
    0.5,
    tf.mean(tf.sub(tf.add(tf.square(mean), tf.exp(logvar)), tf.add(1, logvar))),
  );
  return tf.addN([
    absolute,
    edges,
    squared,
    tf.mul(colors, weights.chroma),
    tf.mul(divergence, weights.kl),
  ]) as tf.Scalar;
}

/** Of neighbours along an axis. */
function differences(x: tf.Tensor4D, axis: 1 | 2): tf.Tensor {
  const length = x.shape[axis];
  const begin = [0, 0, 0, 0];
  const size = [...x.shape];
  size[axis] = length - 1;
  const first = tf.slice(x, begin, size);
  begin[axis] = 1;
  return tf.sub(tf.slice(x, begin, size), first);
}

/** Colour without brightness, a mean over blocks. Linear, so an error's is the error of it. */
function chroma(x: tf.Tensor4D): tf.Tensor {
  const [B, H, W, C] = x.shape;
  const blocks = [B, H / CHROMA_SIDE, CHROMA_SIDE, W / CHROMA_SIDE, CHROMA_SIDE * C];
  const rows = tf.sum(tf.reshape(x, blocks), 2); // (B, h, w, side C)
  const means = tf.mean(tf.reshape(rows, [B, H / CHROMA_SIDE, W / CHROMA_SIDE, CHROMA_SIDE, C]), 3);
  return tf.div(tf.sub(means, tf.mean(means, 3, true)), CHROMA_SIDE);
}
