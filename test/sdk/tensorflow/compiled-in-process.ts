// Prints the bits of a graph that XLA compiled: with its gradient, and with every operation that is shared within a graph.
import { compile, linear, silu, tf } from '@flowbook/sdk';

const numbers = (length: number, of: (at: number) => number) =>
  Array.from({ length }, (_, i) => of(i));
const w = tf.variable(tf.tensor2d(numbers(64, Math.sin), [8, 8]));
const b = tf.variable(tf.tensor1d(numbers(8, Math.cos)));
const x = tf.tensor2d(
  numbers(24, (i) => Math.sin(i * i)),
  [3, 8],
);

function loss(): tf.Scalar {
  const y = silu(linear(x, w as tf.Tensor as tf.Tensor2D, b as tf.Tensor as tf.Tensor1D));
  const weights = tf.softmax(tf.mul(y, tf.rsqrt(tf.add(tf.square(y), 1))));
  return tf.sum(tf.mul(weights, y));
}

const withGradients = compile(
  () => {
    const { value, grads } = tf.variableGrads(loss, [w, b]);
    return [value, ...Object.values(grads)];
  },
  { name: 'with gradients', xla: true },
);
const bytes = withGradients().map((tensor) => Buffer.from(tensor.dataSync().buffer));
console.log(Buffer.concat(bytes).toString('hex'));
