import { tf } from '../../tensorflow';
import { differentiable } from './differentiable';

/** gelu(x) ~ x sigmoid(x (a + b x^2)), which is the tanh form 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))). */
const A = 2 * Math.sqrt(2 / Math.PI);
const B = A * 0.044715;

/**
 * Gaussian error linear unit, tanh approximation (Hendrycks and Gimpel 2016, arXiv 1606.08415). Any shape.
 *
 * @example
 * geluTanh(tf.tensor1d([0, 1])); // [0, 0.8412]
 */
export function geluTanh<X extends tf.Tensor>(x: X): X {
  return differentiable<X>(
    [x],
    (save) => {
      const gate = tf.sigmoid(tf.mul(x, tf.add(tf.mul(tf.square(x), B), A)));
      save([x, gate]);
      return tf.mul<X>(x, gate);
    },
    (dy, [x, gate]) => [
      () => {
        // y' = s + s (1 - s) (a x + 3 b x^3)
        const inner = tf.mul(x, tf.add(tf.mul(tf.square(x), 3 * B), A));
        return tf.mul(dy, tf.mul(gate, tf.add(tf.mul(tf.sub(1, gate), inner), 1)));
      },
    ],
  );
}

/**
 * x sigmoid(x). Any shape.
 *
 * @example
 * silu(tf.tensor1d([0, 1])); // [0, 0.7311]
 */
export function silu<X extends tf.Tensor>(x: X): X {
  return differentiable<X>(
    [x],
    (save) => {
      const gate = tf.sigmoid(x);
      save([x, gate]);
      return tf.mul<X>(x, gate);
    },
    (dy, [x, gate]) => [() => tf.mul(dy, tf.mul(gate, tf.add(tf.mul(x, tf.sub(1, gate)), 1)))],
  );
}

/**
 * Gaussian error linear unit, x Phi(x) (Hendrycks and Gimpel 2016, arXiv 1606.08415). Any shape.
 *
 * @example
 * gelu(tf.tensor1d([0, 1])); // [0, 0.8413]
 */
export function gelu<X extends tf.Tensor>(x: X): X {
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
}

/**
 * x sigmoid(1.702 x), the first approximation of the same paper, which CLIP uses. Any shape.
 *
 * @example
 * quickGelu(tf.tensor1d([0, 1])); // [0, 0.8458]
 */
export function quickGelu<X extends tf.Tensor>(x: X): X {
  return tf.mul(x, tf.sigmoid(tf.mul(x, 1.702)));
}
