import { tf } from './backend';

/**
 * The same values, seen as a constant by gradients: PyTorch's `detach`. What is computed from it is not on the gradient's
 * path, so operations without a gradient may follow.
 *
 * @example
 * tf.grad((x) => x.mul(stopGradient(x)))(tf.scalar(3)); // 3 // not 6
 */
export function stopGradient<X extends tf.Tensor>(x: X): X {
  // An operation without inputs: the tape has nothing to go back to.
  const constant = tf.customGrad(() => ({ value: x.clone(), gradFunc: () => [] }));
  return constant() as X;
}
