import { isBfloat16, nativeBackend, tf, toBfloat16, toFloat32 } from '../../tensorflow';

/** Enums of TensorFlow's C interface. */
const ATTRIBUTE = { string: 0, bool: 3, type: 4 };
const FLOAT32 = { name: 'T', type: ATTRIBUTE.type, value: 1 };
const BFLOAT16 = { name: 'T', type: ATTRIBUTE.type, value: 14 };
const BIAS_ATTRIBUTES = [FLOAT32, { name: 'data_format', type: ATTRIBUTE.string, value: 'NHWC' }];

/**
 * a b of matrices, each transposed on demand. Up to three times as fast as the batched product of `tf.matMul`.
 *
 * Where b is held in bfloat16, a is rounded to it, sums are float32, and the product is rounded once more.
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
  const product = (T: typeof FLOAT32, x: tf.Tensor2D) =>
    backend.executeSingleOutput('MatMul', [...transposes, T], [x, b]) as tf.Tensor2D;
  if (!isBfloat16(b)) return product(FLOAT32, a);
  return tf.tidy(() => toFloat32(product(BFLOAT16, toBfloat16(a))));
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
