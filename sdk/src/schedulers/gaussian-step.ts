import { compile, stopGradient, tf } from '../tensorflow';
import type { GaussianStep } from './transitions';

/**
 * Values of a row (512 px in Qwen-Image's latents are twice as many) from which a step is one graph that XLA makes a single
 * pass over memory. That takes a fifth of a second for the first batch of a shape, more than short rows would ever give
 * back. The length of a row decides, so that its bits do not depend on the batch it is in.
 */
const LONG_ROW_VALUES = 2 ** 15;

/** A step's coefficients, (R, 5), R = 1 when all rows share them: see `columns`. */
export type StepCoefficients = tf.Tensor2D;

/** The coefficients of one step for all rows, or of one a row. */
export function stepCoefficients(
  steps: readonly GaussianStep[],
  includeNormalizer: boolean,
): StepCoefficients {
  return tf.tensor2d(
    steps.map((step) => [
      step.sampleScale,
      step.velocityScale,
      step.noiseScale,
      -step.precision,
      includeNormalizer ? step.logNormalizer : 0,
    ]),
  );
}

/** Each coefficient in the form that multiplies a sample, (R, 1, ...), or (R) for what is one number a row. */
function columns(coefficients: StepCoefficients, rank: number) {
  const R = coefficients.shape[0];
  const overSample = [R, ...Array<number>(rank - 1).fill(1)];
  const [a, b, s, factor, logNormalizer] = tf.split(coefficients, 5, 1);
  return {
    a: a.reshape(overSample),
    b: b.reshape(overSample),
    s: s.reshape(overSample),
    factor: factor.reshape([R]),
    logNormalizer: logNormalizer.reshape([R]),
  };
}

function meanOf(x: tf.Tensor, v: tf.Tensor, coefficients: StepCoefficients): tf.Tensor {
  const { a, b } = columns(coefficients, x.rank);
  return tf.add(tf.mul(x, a), tf.mul(v, b));
}

/** mean + noiseScale * epsilon, and the mean. */
function drawDirectly(
  x: tf.Tensor,
  v: tf.Tensor,
  epsilon: tf.Tensor,
  coefficients: StepCoefficients,
): { xNext: tf.Tensor; mean: tf.Tensor } {
  const mean = meanOf(x, v, coefficients);
  const { s } = columns(coefficients, x.rank);
  return { xNext: tf.add(mean, tf.mul(epsilon, s)), mean };
}

function evaluateDirectly(
  x: tf.Tensor,
  v: tf.Tensor,
  xNext: tf.Tensor,
  coefficients: StepCoefficients,
): { mean: tf.Tensor; logProb: tf.Tensor } {
  const mean = meanOf(x, v, coefficients);
  const { factor, logNormalizer } = columns(coefficients, x.rank);
  const axes = Array.from({ length: x.rank - 1 }, (_, axis) => axis + 1);
  const squaredError = tf.mean(tf.squaredDifference(stopGradient(xNext), mean), axes);
  return { mean, logProb: tf.sub(tf.mul(squaredError, factor), logNormalizer) };
}

const drawCompiled = compile(drawDirectly, { name: 'draw of a step', xla: true });
const evaluateCompiled = compile(evaluateDirectly, {
  name: 'log-probability of a step',
  xla: true,
});

const areLong = (x: tf.Tensor): boolean => x.size >= LONG_ROW_VALUES * x.shape[0];

/** A value that was computed elsewhere, as a function of `inputs` with a gradient written by hand. */
function withGradients(
  inputs: tf.Tensor[],
  compute: () => tf.Tensor,
  saved: tf.Tensor[],
  gradients: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.Tensor[],
): tf.Tensor {
  const operation = tf.customGrad((...given) => {
    const save = given[inputs.length] as unknown as tf.GradSaveFunc;
    save(saved);
    return { value: compute(), gradFunc: gradients };
  });
  return operation(...inputs);
}

/** What `compute` gives: a mean with its gradients to x and v, and something besides, which the caller disposes. */
function differentiableMean<Other extends tf.Tensor>(
  [x, v]: [tf.Tensor, tf.Tensor],
  coefficients: StepCoefficients,
  compute: () => { mean: tf.Tensor; other: Other },
): { mean: tf.Tensor; other: Other } {
  let kept: Other | undefined;
  const computeMean = () => {
    const { mean, other } = compute();
    kept = tf.keep(other);
    return mean;
  };
  const mean = withGradients([x, v], computeMean, [coefficients], (dy, [saved]) => {
    const { a, b } = columns(saved as StepCoefficients, x.rank);
    return [tf.mul(dy, a), tf.mul(dy, b)];
  });
  return { mean, other: kept as Other };
}

/**
 * Draws: x' = mean + noiseScale * epsilon, mean = sampleScale * x + velocityScale * v.
 *
 * @param x (B, ...)
 * @param v (B, ...)
 * @param epsilon (B, ...), a constant.
 */
export function drawStep(
  x: tf.Tensor,
  v: tf.Tensor,
  epsilon: tf.Tensor,
  coefficients: StepCoefficients,
): { xNext: tf.Tensor; mean: tf.Tensor } {
  if (!areLong(x)) return drawDirectly(x, v, epsilon, coefficients);
  if (!tf.engine().isTapeOn()) return drawCompiled(x, v, epsilon, coefficients);
  const { mean, other } = differentiableMean([x, v], coefficients, () => {
    const { mean, xNext } = drawCompiled(x, v, epsilon, coefficients);
    return { mean, other: xNext };
  });
  const xNext = withGradients(
    [mean],
    () => other.clone(),
    [],
    (dy) => [dy],
  );
  other.dispose();
  return { xNext, mean };
}

/**
 * The mean of a step, and the log-probability (B) of each row's x', a mean over its elements. A constant in x', as upstream:
 * gradients reach the model through the mean alone.
 */
export function evaluateStep(
  x: tf.Tensor,
  v: tf.Tensor,
  xNext: tf.Tensor,
  coefficients: StepCoefficients,
): { mean: tf.Tensor; logProb: tf.Tensor } {
  if (!areLong(x)) return evaluateDirectly(x, v, xNext, coefficients);
  if (!tf.engine().isTapeOn()) return evaluateCompiled(x, v, xNext, coefficients);
  const { mean, other } = differentiableMean([x, v], coefficients, () => {
    const { mean, logProb } = evaluateCompiled(x, v, xNext, coefficients);
    return { mean, other: logProb };
  });
  const toMean = (dy: tf.Tensor, [xNext, mean, saved]: tf.Tensor[]): tf.Tensor[] => {
    const { factor } = columns(saved as StepCoefficients, x.rank);
    const scale = tf.mul(tf.mul(dy, factor), (2 * mean.shape[0]) / mean.size);
    const perRow = scale.reshape([-1, ...Array<number>(mean.rank - 1).fill(1)]);
    return [tf.mul(tf.sub(mean, xNext), perRow)];
  };
  const logProb = withGradients([mean], () => other.clone(), [xNext, mean, coefficients], toMean);
  other.dispose();
  return { mean, logProb };
}
