import { stopGradient, tf } from '../tensorflow';
import { nativeStep, type NativeStep } from './native-step';
import type { GaussianStep } from './transitions';

/** What a step gives. The caller owns the tensors. */
export interface StepResult {
  /** (B, ...) x', drawn or given. */
  xNext: tf.Tensor;
  /** (B, ...) */
  mean: tf.Tensor;
  /** (B) */
  logProb: tf.Tensor;
}

/** A step's coefficients, five a row: see `stepCoefficients`. */
export type StepCoefficients = Float32Array;

const NUMBERS = 5;

/** The coefficients of one step for all rows, or of one a row, in the order that the native step reads. */
export function stepCoefficients(
  steps: readonly GaussianStep[],
  includeNormalizer: boolean,
): StepCoefficients {
  return Float32Array.from(
    steps.flatMap((step) => [
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
  const R = coefficients.length / NUMBERS;
  const column = (at: number) => coefficients.filter((_, place) => place % NUMBERS === at);
  const overSample = (at: number) => tf.tensor(column(at), [R, ...Array<number>(rank - 1).fill(1)]);
  return {
    a: overSample(0),
    b: overSample(1),
    s: overSample(2),
    factor: tf.tensor1d(column(3)),
    logNormalizer: tf.tensor1d(column(4)),
  };
}

/** The step in operations of its own, which differentiate. */
function stepByOperations(
  x: tf.Tensor,
  v: tf.Tensor,
  other: tf.Tensor,
  isDraw: boolean,
  coefficients: StepCoefficients,
): StepResult {
  const { a, b, s, factor, logNormalizer } = columns(coefficients, x.rank);
  const mean = tf.add(tf.mul(x, a), tf.mul(v, b));
  const xNext = isDraw ? tf.add(mean, tf.mul(other, s)) : other.clone();
  const axes = Array.from({ length: x.rank - 1 }, (_, axis) => axis + 1);
  const squaredError = tf.mean(tf.squaredDifference(stopGradient(xNext), mean), axes);
  return { xNext, mean, logProb: tf.sub(tf.mul(squaredError, factor), logNormalizer) };
}

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

/** The native step where a gradient is being taken: the same values. */
function nativeStepUnderTape(run: NativeStep, ...args: Parameters<NativeStep>): StepResult {
  const [x, v, other, isDraw, coefficients] = args;
  let kept: tf.Tensor[] = [];
  const computeMean = () => {
    const [mean, ...rest] = run(...args);
    kept = rest.map((tensor) => tf.keep(tensor as tf.Tensor));
    return mean;
  };
  const mean = withGradients([x, v], computeMean, [], (dy) => {
    const { a, b } = columns(coefficients, x.rank);
    return [tf.mul(dy, a), tf.mul(dy, b)];
  });
  const [logProbValue, drawn] = kept;
  const xNext = isDraw
    ? withGradients(
        [mean],
        () => drawn.clone(),
        [],
        (dy) => [dy],
      )
    : other.clone();
  const toMean = (dy: tf.Tensor, [xNext, mean]: tf.Tensor[]): tf.Tensor[] => {
    const { factor } = columns(coefficients, x.rank);
    const scale = tf.mul(tf.mul(dy, factor), (2 * mean.shape[0]) / mean.size);
    const perRow = scale.reshape([-1, ...Array<number>(mean.rank - 1).fill(1)]);
    return [tf.mul(tf.sub(mean, xNext), perRow)];
  };
  const logProb = withGradients([mean], () => logProbValue.clone(), [xNext, mean], toMean);
  tf.dispose(kept);
  return { xNext, mean, logProb };
}

/**
 * Takes a step: x' = mean + noiseScale * epsilon, mean = sampleScale * x + velocityScale * v; and the log-probability of
 * each row's x', a mean over its elements. A constant in x', as upstream: gradients reach the model through the mean alone.
 *
 * Drawn and given x' take one path, so that both have the same log-probability to the last bit.
 *
 * @param x (B, ...)
 * @param v (B, ...)
 * @param other (B, ...) epsilon of a draw, or x' when it is known. A constant.
 */
export function takeStep(
  x: tf.Tensor,
  v: tf.Tensor,
  other: tf.Tensor,
  isDraw: boolean,
  coefficients: StepCoefficients,
): StepResult {
  const run = nativeStep();
  if (run === null) return stepByOperations(x, v, other, isDraw, coefficients);
  if (tf.engine().isTapeOn()) return nativeStepUnderTape(run, x, v, other, isDraw, coefficients);
  const [mean, logProb, drawn] = run(x, v, other, isDraw, coefficients);
  return { xNext: drawn ?? other.clone(), mean, logProb };
}
