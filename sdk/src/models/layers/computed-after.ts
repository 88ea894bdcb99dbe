import { tf } from '../../tensorflow';

/**
 * x, to the last bit, but not before `results` are there. A graph runs whatever is ready, and XLA orders a graph as it likes:
 * work in blocks would be done side by side, and the memory of all blocks be in use at once. What is computed from this x
 * has to wait. No gradient.
 */
export function computedAfter<X extends tf.Tensor>(x: X, results: readonly tf.Tensor[]): X {
  return tf.tidy(() => tf.mul<X>(x, oneAfter(results)));
}

/** The number 1, but not before `results` are there. */
export function oneAfter(results: readonly tf.Tensor[]): tf.Scalar {
  return tf.tidy(() => {
    let one = tf.scalar(1);
    for (const result of results) {
      const element = result.flatten().slice(0, 1);
      // max(0 or 1, 1): nothing that a compiler knows to be 1, and no NaN whatever the element is.
      one = tf.maximum(tf.cast(tf.greater(element.reshape([]), 0), 'float32'), one);
    }
    return one;
  });
}
