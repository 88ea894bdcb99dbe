import { stopGradient, tf } from '../tensorflow';
import type { GaussianStep } from './transitions';

/** A step's coefficients on tensors: numbers when all rows share them, else (B, 1, ...) tensors. */
export interface StepCoefficients {
  steps: readonly GaussianStep[];
  /** Whether each row has coefficients of its own. */
  perRow: boolean;
  /** Number of axes of the sample. */
  rank: number;
}

/** One coefficient of every row, in the form that multiplies a sample: a number or a (B, 1, ...) tensor. */
export function coefficient(
  { steps, perRow, rank }: StepCoefficients,
  read: (step: GaussianStep) => number,
): number | tf.Tensor {
  if (!perRow) return read(steps[0]);
  return tf.tensor(steps.map(read), [steps.length, ...Array<number>(rank - 1).fill(1)]);
}

/** sampleScale * x + velocityScale * v. */
export function stepMean<X extends tf.Tensor>(
  x: X,
  v: tf.Tensor,
  coefficients: StepCoefficients,
): X {
  const sampleScale = coefficient(coefficients, (step) => step.sampleScale);
  const velocityScale = coefficient(coefficients, (step) => step.velocityScale);
  return tf.add(tf.mul(x, sampleScale), tf.mul(v, velocityScale)) as X;
}

/** mean + noiseScale * epsilon. */
export function addNoise<X extends tf.Tensor>(
  mean: X,
  epsilon: tf.Tensor,
  coefficients: StepCoefficients,
): X {
  return tf.add(
    mean,
    tf.mul(
      epsilon,
      coefficient(coefficients, (step) => step.noiseScale),
    ),
  ) as X;
}

/**
 * Log-probability of each row's x', a mean over its elements. A constant in x', as upstream: gradients reach the model
 * through the mean alone.
 *
 * @returns (B).
 */
export function stepLogProb(
  xNext: tf.Tensor,
  mean: tf.Tensor,
  coefficients: StepCoefficients,
  includeNormalizer: boolean,
): tf.Tensor1D {
  const rowwise = { ...coefficients, rank: 1 };
  const precision = coefficient(rowwise, (step) => -step.precision);
  const squaredError = tf.squaredDifference(stopGradient(xNext), mean);
  const axes = Array.from({ length: coefficients.rank - 1 }, (_, axis) => axis + 1);
  const logProb = tf.mul(tf.mean(squaredError, axes), precision);
  if (!includeNormalizer) return logProb as tf.Tensor1D;
  return tf.sub(
    logProb,
    coefficient(rowwise, (step) => step.logNormalizer),
  ) as tf.Tensor1D;
}
