import assert from 'node:assert/strict';
import { tf } from '../../../sdk/src/tensorflow';
import { randomNormal } from '../../../sdk/src/tensorflow/random';
import { RandomKey } from '../../../sdk/src/core/random-key';

/** Normal numbers that depend on the name alone. */
export function normal<Shape extends number[]>(name: string, shape: Shape): tf.Tensor {
  return randomNormal(RandomKey.fromSeed(7).fold(name), shape);
}

/**
 * Compares the gradient to each input with central differences along random directions, on a random
 * weighting of the result's elements.
 */
export function checkGradient(
  f: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: tf.Tensor[],
  { step = 1e-2, tolerance = 2e-3 } = {},
): void {
  tf.tidy(() => {
    const weighting = normal('weighting', f(...inputs).shape);
    const loss = (...xs: tf.Tensor[]) => tf.sum(tf.mul(f(...xs), weighting)) as tf.Scalar;
    const gradients = tf.grads(loss)(inputs);
    inputs.forEach((input, index) => {
      assert.deepEqual(gradients[index].shape, input.shape, `shape of gradient ${index}`);
      for (let direction = 0; direction < 3; direction++) {
        const d = normal(`direction ${index} ${direction}`, input.shape);
        const at = (distance: number) => {
          const moved = tf.add(input, tf.mul(d, distance));
          return loss(...inputs.map((x, other) => (other === index ? moved : x))).dataSync()[0];
        };
        const expected = (at(step) - at(-step)) / (2 * step);
        const actual = tf.sum(tf.mul(gradients[index], d)).dataSync()[0];
        const size = tf.norm(gradients[index]).dataSync()[0] * tf.norm(d).dataSync()[0];
        assert.ok(
          Math.abs(actual - expected) <= tolerance * Math.max(size, 1e-3),
          `gradient ${index} along direction ${direction} is ${actual} instead of ${expected}`,
        );
      }
    });
  });
}
