import { nativeBackend, tf } from '../../tensorflow';
import { differentiable } from './differentiable';

/** Enums of TensorFlow's C interface. */
const ATTRIBUTE_TYPE = 4;
const ATTRIBUTE_STRING = 0;
const FLOAT32 = 1;
const BIAS_ATTRIBUTES = [
  { name: 'T', type: ATTRIBUTE_TYPE, value: FLOAT32 },
  { name: 'data_format', type: ATTRIBUTE_STRING, value: 'NHWC' },
];

/**
 * y = x W^T + b over the last axis.
 *
 * @param x (..., in)
 * @param weight (out, in), as checkpoints store it.
 * @param bias (out), or null.
 * @returns (..., out)
 */
export function linear<X extends tf.Tensor>(
  x: X,
  weight: tf.Tensor2D,
  bias: tf.Tensor1D | null,
): X {
  const [outputs, inputs] = weight.shape;
  const rows =
    x.shape.length === 2 ? (x as tf.Tensor as tf.Tensor2D) : x.reshape<tf.Tensor2D>([-1, inputs]);
  const y = linearRows(rows, weight, bias);
  return (x.shape.length === 2
    ? y
    : y.reshape([...x.shape.slice(0, -1), outputs])) as tf.Tensor as X;
}

function linearRows(x: tf.Tensor2D, weight: tf.Tensor2D, bias: tf.Tensor1D | null): tf.Tensor2D {
  return differentiable<tf.Tensor2D>(
    bias === null ? [x, weight] : [x, weight, bias],
    (save) => {
      save([x, weight]);
      const product = tf.matMul<tf.Tensor2D>(x, weight, false, true);
      return bias === null ? product : addBias(product, bias);
    },
    (dy, saved) => {
      const [x, weight] = saved as tf.Tensor2D[];
      return [() => tf.matMul(dy, weight), () => tf.matMul(dy, x, true), () => sumRows(dy)];
    },
  );
}

function addBias(x: tf.Tensor2D, bias: tf.Tensor1D): tf.Tensor2D {
  const backend = nativeBackend();
  return backend === null
    ? tf.add(x, bias)
    : (backend.executeSingleOutput('BiasAdd', BIAS_ATTRIBUTES, [x, bias]) as tf.Tensor2D);
}

/** Three times as fast as TensorFlow's Sum over the first axis. */
function sumRows(x: tf.Tensor2D): tf.Tensor1D {
  const backend = nativeBackend();
  return backend === null
    ? tf.sum(x, 0)
    : (backend.executeSingleOutput('BiasAddGrad', BIAS_ATTRIBUTES, [x]) as tf.Tensor1D);
}
