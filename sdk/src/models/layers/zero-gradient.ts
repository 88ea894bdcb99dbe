import { tf } from '../../tensorflow';
import { differentiable } from './differentiable';

/**
 * x unchanged, with `parameters` made part of the graph: their gradient is zero instead of missing. Stands for parameters
 * whose values reach the output in the reference but cannot change it; an optimizer decays the weights of those,
 * and leaves parameters without a gradient alone.
 *
 * @param x Any shape.
 *
 * @example
 * const b = tf.variable(tf.scalar(3));
 * tf.variableGrads(() => tf.sum(withZeroGradient(tf.ones([2]), [b])), [b]).grads[b.name]; // 0
 */
export function withZeroGradient<X extends tf.Tensor>(x: X, parameters: readonly tf.Tensor[]): X {
  return differentiable<X>(
    [x, ...parameters],
    () => x.clone() as X,
    (dy) => [
      () => dy.clone(),
      ...parameters.map(
        ({ shape }) =>
          () =>
            tf.zeros(shape),
      ),
    ],
  );
}
