import { tf } from './backend';

const detach = tf.customGrad((x: tf.Tensor | tf.NamedTensorMap | unknown) => ({
  value: (x as tf.Tensor).clone(),
  gradFunc: (dy: tf.Tensor) => tf.zerosLike(dy),
}));

/**
 * The same values, seen as a constant by gradients: PyTorch's `detach`.
 *
 * @example
 * tf.grad((x) => x.mul(stopGradient(x)))(tf.scalar(3)); // 3, not 6
 */
export function stopGradient<X extends tf.Tensor>(x: X): X {
  return detach(x) as X;
}
