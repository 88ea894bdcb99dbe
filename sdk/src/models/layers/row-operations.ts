import {
  isBfloat16,
  multipliesBfloat16,
  nativeBackend,
  tf,
  toBfloat16,
  toFloat32,
  type NativeBackend,
} from '../../tensorflow';
import { hasProductsBy } from '../../tensorflow/processor';
import { oneAfter } from './computed-after';

/** Enums of TensorFlow's C interface. */
const ATTRIBUTE = { string: 0, bool: 3, type: 4 };
const FLOAT32 = { name: 'T', type: ATTRIBUTE.type, value: 1 };
const BFLOAT16 = { name: 'T', type: ATTRIBUTE.type, value: 14 };
const RIGHT_TRANSPOSED = [
  { name: 'adj_x', type: ATTRIBUTE.bool, value: false },
  { name: 'adj_y', type: ATTRIBUTE.bool, value: true },
  FLOAT32,
];
const BIAS_ATTRIBUTES = [FLOAT32, { name: 'data_format', type: ATTRIBUTE.string, value: 'NHWC' }];

/**
 * Whether the batched product reads a transposed right-hand matrix faster: oneDNN's with AVX-512 does, by up to a half, and a
 * row's bits do not depend on how many rows there are.
 */
let isBatchedFaster: boolean | null = null;

/**
 * a b of matrices, each transposed on demand, by that of TensorFlow's two operations for it which is faster on this
 * processor.
 *
 * Where b is held in bfloat16, a is rounded to it, sums are float32, and the product is rounded once more, whether or not the
 * processor has instructions for it.
 *
 * @param a float32.
 * @returns float32.
 */
export function multiplyMatrices(
  a: tf.Tensor2D,
  b: tf.Tensor2D,
  transposeA = false,
  transposeB = false,
): tf.Tensor2D {
  const backend = nativeBackend();
  if (backend === null) return tf.matMul(a, b, transposeA, transposeB);
  const transposes = [
    { name: 'transpose_a', type: ATTRIBUTE.bool, value: transposeA },
    { name: 'transpose_b', type: ATTRIBUTE.bool, value: transposeB },
  ];
  const product = (T: typeof FLOAT32, ...factors: tf.Tensor2D[]) =>
    backend.executeSingleOutput('MatMul', [...transposes, T], factors) as tf.Tensor2D;
  if (!isBfloat16(b)) {
    isBatchedFaster ??= hasProductsBy(['avx512f']);
    if (!isBatchedFaster || transposeA || !transposeB) return product(FLOAT32, a, b);
    return backend.executeSingleOutput('BatchMatMulV2', RIGHT_TRANSPOSED, [a, b]) as tf.Tensor2D;
  }
  return tf.tidy(() => {
    const x = toBfloat16(a);
    if (multipliesBfloat16()) return toFloat32(product(BFLOAT16, x, b));
    return toFloat32(toBfloat16(product(FLOAT32, toFloat32(x), widenedAfter(backend, b, a))));
  });
}

/** A matrix in float32, but not before `a` is there: a graph would widen all of its matrices at once. */
function widenedAfter(backend: NativeBackend, matrix: tf.Tensor2D, a: tf.Tensor2D): tf.Tensor2D {
  const factors = [matrix, toBfloat16(oneAfter([a]))];
  return toFloat32(backend.executeSingleOutput('Mul', [BFLOAT16], factors) as tf.Tensor2D);
}

/** x + bias, for each row. */
export function addToRows(x: tf.Tensor2D, bias: tf.Tensor1D): tf.Tensor2D {
  const backend = nativeBackend();
  if (backend === null) return tf.add(x, bias);
  return backend.executeSingleOutput('BiasAdd', BIAS_ATTRIBUTES, [x, bias]) as tf.Tensor2D;
}

/** The sum of all rows. Three times as fast as `tf.sum` over the first axis. */
export function sumRows(x: tf.Tensor2D): tf.Tensor1D {
  const backend = nativeBackend();
  if (backend === null) return tf.sum(x, 0);
  return backend.executeSingleOutput('BiasAddGrad', BIAS_ATTRIBUTES, [x]) as tf.Tensor1D;
}
