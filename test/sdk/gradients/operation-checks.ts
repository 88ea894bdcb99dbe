import { tf } from '@flowbook/sdk';
import {
  attention,
  geluTanh,
  linear,
  loraLinear,
  MASKED,
  modulatedLayerNorm,
  rmsNorm,
  rotaryTables,
  rotateInterleaved,
  silu,
  withZeroGradient,
} from '../../../sdk/src/models/layers';
import {
  stepCoefficients,
  takeStep,
  type StepResult,
} from '../../../sdk/src/schedulers/gaussian-step';
import { normal } from '../models/check-gradient';

/** A function, and inputs at which its gradient is compared with finite differences. */
export interface GradientCheck {
  f: (...inputs: tf.Tensor[]) => tf.Tensor;
  inputs: tf.Tensor[];
}

const check = (f: (...inputs: never[]) => tf.Tensor, ...inputs: tf.Tensor[]): GradientCheck => ({
  f: f as GradientCheck['f'],
  inputs,
});

/** Normal numbers of some shapes, all different. */
const draws = (...shapes: number[][]) => shapes.map((shape, at) => normal(`x${at}`, shape));

/** Numbers from 0.5 up, for what divides or takes roots. */
const positive = (...shapes: number[][]) => draws(...shapes).map((x) => x.abs().add(0.5));

/** Shapes that broadcast: equal, a row, a column, both, a scalar, more axes, and an axis of length 1. */
const BROADCASTS: [number[], number[]][] = [
  [
    [2, 3],
    [2, 3],
  ],
  [[2, 3, 5], [5]],
  [
    [2, 3, 5],
    [2, 1, 1],
  ],
  [
    [1, 5],
    [7, 1],
  ],
  [[], [3, 1, 2]],
  [[1], [1, 1, 1]],
];

const binary = (f: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor): GradientCheck[] =>
  BROADCASTS.map(([a, b]) => check(f, ...draws(a, b)));

/** Shapes of operations whose gradient tfjs refuses where it would have to broadcast. */
const EQUAL = [[], [1], [7], [2, 1, 3]];

const unary = (f: (x: tf.Tensor) => tf.Tensor, from = draws): GradientCheck[] =>
  [[], [1], [7], [2, 1, 3], [1, 5, 1, 2]].map((shape) => check(f, ...from(shape)));

/** Keeps a batch of pairs away from a kink at 0. */
const apart = (x: tf.Tensor) => tf.where(x.greater(0), x.add(0.2), x.sub(0.2));

/**
 * For each operation that the gradient of a training step goes through, functions that use it, on awkward shapes. Kernels
 * have tfjs's names; gradients written by hand, the name of their file.
 */
export const operationChecks: Record<string, () => GradientCheck[]> = {
  Add: () => binary(tf.add),
  Sub: () => binary(tf.sub),
  Multiply: () => binary(tf.mul),
  RealDiv: () => BROADCASTS.map(([a, b]) => check(tf.div, ...draws(a), ...positive(b))),
  SquaredDifference: () =>
    EQUAL.map((shape) => check(tf.squaredDifference, ...draws(shape, shape))),
  Maximum: () => EQUAL.map((shape) => check(tf.maximum, apart(draws(shape)[0]), tf.zeros(shape))),
  AddN: () => [
    check((...xs: tf.Tensor[]) => tf.addN(xs), ...draws([2, 3], [2, 3], [2, 3])),
    check((x: tf.Tensor) => tf.addN([x, x]), ...draws([])),
  ],
  Neg: () => unary(tf.neg),
  Exp: () => unary(tf.exp),
  Square: () => unary(tf.square),
  Sqrt: () => unary(tf.sqrt, positive),
  Identity: () => unary((x) => x.clone()),
  ZerosLike: () => unary((x) => tf.add(x, tf.zerosLike(x))),
  ClipByValue: () => unary((x) => tf.clipByValue(x, -10, 10)),
  Select: () =>
    EQUAL.map((shape) => {
      const condition = normal('condition', shape).greater(0);
      return check(
        (a: tf.Tensor, b: tf.Tensor) => tf.where(condition, a, b),
        ...draws(shape, shape),
      );
    }),
  ExpandDims: () =>
    [0, 1, -1].map((axis) => check((x) => tf.expandDims(x, axis), ...draws([3, 2]))),
  Reshape: () =>
    [[6], [3, 2, 1], [-1, 3], [1, 6]].map((shape) =>
      check((x: tf.Tensor) => tf.reshape(x, shape), ...draws([2, 3])),
    ),
  Transpose: () => [
    check((x: tf.Tensor) => tf.transpose(x), ...draws([2, 3, 4])),
    check((x: tf.Tensor) => tf.transpose(x, [0, 2, 1, 3]), ...draws([2, 1, 5, 3])),
    check((x: tf.Tensor) => tf.transpose(x, [2, 0, 1]), ...draws([1, 7, 2])),
  ],
  Concat: () =>
    [0, 1, -1].map((axis) =>
      check(
        (a: tf.Tensor, b: tf.Tensor) => tf.concat([a, b, a], axis),
        ...draws([2, 3, 2], [2, 3, 2]),
      ),
    ),
  SplitV: () => [
    check(
      (x: tf.Tensor) => tf.mul(...pair(tf.split(x, [1, 4], 1).map((y) => y.sum(1)))),
      ...draws([2, 5]),
    ),
    // One part unused: its gradient is zero.
    check((x: tf.Tensor) => tf.split(x, 3, -1)[1], ...draws([2, 1, 6])),
  ],
  Unpack: () => [
    check((x: tf.Tensor) => tf.mul(...pair(tf.unstack(x, 1))), ...draws([3, 2])),
    check((x: tf.Tensor) => tf.unstack(x, 0)[2], ...draws([3, 1, 2])),
  ],
  Sum: () => reductions(tf.sum),
  Mean: () => reductions(tf.mean),
  'losses/dpo-loss': () => unary(tf.logSigmoid),
  'models/layers/activations': () => [...unary(silu), ...unary(geluTanh)],
  'models/layers/linear': () => [
    check(linear, ...draws([2, 3, 5], [4, 5], [4])),
    check(linear, ...draws([1, 1], [1, 1], [1])),
    check((x: tf.Tensor, w: tf.Tensor2D) => linear(x, w, null), ...draws([7, 3], [2, 3])),
  ],
  'models/layers/lora-linear': () => {
    const lora = (x: tf.Tensor, A: tf.Tensor2D, B: tf.Tensor2D) => loraLinear(x, A, B, 1.5);
    return [
      check(lora, ...draws([2, 3, 5], [3, 5], [4, 3])),
      check(lora, ...draws([7, 5], [1, 5], [4, 1])),
      check(lora, ...draws([1, 1], [2, 1], [1, 2])),
    ];
  },
  'models/layers/modulated-layer-norm': () => [
    check(modulatedLayerNorm, ...draws([2, 3, 6], [2, 1, 6], [2, 1, 6])),
    check(modulatedLayerNorm, ...draws([2, 3, 6], [2, 3, 6], [2, 3, 6])),
    check(modulatedLayerNorm, ...draws([1, 1, 3], [1, 1, 3], [1, 1, 3])),
  ],
  'models/layers/rms-norm': () => [
    check(rmsNorm, ...draws([2, 3, 2, 6], [6])),
    check(rmsNorm, ...draws([5], [5])),
    check(rmsNorm, ...draws([3, 1, 2], [2])),
  ],
  'models/layers/rotary-embedding': () =>
    [
      [4, 3],
      [1, 1],
    ].map(([length, half]) => {
      const angles = normal('angles', [length, half]) as tf.Tensor2D;
      const tables = rotaryTables({ cos: tf.cos(angles), sin: tf.sin(angles) });
      return check(
        (x: tf.Tensor) => rotateInterleaved(x, tables),
        ...draws([2, 3, length, 2 * half]),
      );
    }),
  'models/layers/attention': () => {
    const bias = tf.tensor([0, MASKED, 0, 0, 0, 0, MASKED, MASKED], [2, 1, 1, 4]);
    const attend = (mask: tf.Tensor | null) => (q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D) =>
      attention(q, k, v, mask);
    return [
      check(attend(null), ...draws([2, 2, 3, 5], [2, 2, 4, 5], [2, 2, 4, 5])),
      check(attend(bias), ...draws([2, 2, 3, 5], [2, 2, 4, 5], [2, 2, 4, 5])),
      check(attend(null), ...draws([1, 1, 1, 1], [1, 1, 2, 1], [1, 1, 2, 1])),
    ];
  },
  'schedulers/gaussian-step': () => {
    const [fixed, perRow] = [1, 3].map((rows) => {
      const steps = Array.from({ length: rows }, (_, row) => ({
        sampleScale: 0.9 + 0.1 * row,
        velocityScale: -0.3 - 0.1 * row,
        noiseScale: 0.4 + 0.1 * row,
        std: 0,
        precision: 0.7 + row,
        logNormalizer: 0.2,
      }));
      return stepCoefficients(steps, true);
    });
    const step =
      (coefficients: typeof fixed, isDraw: boolean, part: keyof StepResult) =>
      (x: tf.Tensor, v: tf.Tensor) =>
        takeStep(x, v, normal('other', x.shape), isDraw, coefficients)[part];
    return [fixed, perRow].flatMap((coefficients) => [
      check(step(coefficients, true, 'xNext'), ...draws([3, 4], [3, 4])),
      check(step(coefficients, true, 'mean'), ...draws([3, 2, 5], [3, 2, 5])),
      // A drawn x' is a constant for its log-probability, so differences are those of a given one.
      check(step(coefficients, false, 'logProb'), ...draws([3, 2, 5], [3, 2, 5])),
    ]);
  },
  'models/layers/zero-gradient': () => [
    check((x: tf.Tensor) => withZeroGradient(tf.square(x), [x]), ...draws([2, 3])),
  ],
};

function reductions(reduce: (x: tf.Tensor, axis?: number | number[], keep?: boolean) => tf.Tensor) {
  return [
    check((x: tf.Tensor) => reduce(x), ...draws([2, 3, 4])),
    check((x: tf.Tensor) => reduce(x, [1, 2]), ...draws([2, 3, 4])),
    check((x: tf.Tensor) => reduce(x, -1, true), ...draws([2, 1, 5])),
    check((x: tf.Tensor) => reduce(x, 0), ...draws([1, 3])),
  ];
}

function pair(tensors: tf.Tensor[]): [tf.Tensor, tf.Tensor] {
  const [a, b] = tensors;
  return [a, b];
}
