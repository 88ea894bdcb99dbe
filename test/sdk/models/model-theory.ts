import assert from 'node:assert/strict';
import { RandomKey } from '../../../sdk/src/core/random-key';
import { tf } from '../../../sdk/src/tensorflow';
import { randomNormal } from '../../../sdk/src/tensorflow/random';

/** Weights that depend on nothing but their names; matrices keep the size of what they multiply. */
export function randomStateDict(
  shapes: ReadonlyMap<string, readonly number[]>,
): Map<string, tf.Tensor> {
  return new Map(
    [...shapes].map(([name, shape]) => {
      const inputs = shape.slice(1).reduce((product, side) => product * side, 1);
      const scale = shape.length > 1 ? 1 / Math.sqrt(inputs) : 0.3;
      const key = RandomKey.fromSeed(3).fold(name);
      return [name, tf.tidy(() => tf.mul(randomNormal(key, [...shape]), scale))] as const;
    }),
  );
}

/** Normal numbers that depend on the name alone. */
export function draw(name: string, shape: number[]): tf.Tensor {
  return randomNormal(RandomKey.fromSeed(5).fold(name), shape);
}

/** The largest difference of two tensors of one shape. */
export function farthest(a: tf.Tensor, b: tf.Tensor): number {
  assert.deepEqual(a.shape, b.shape);
  return tf.tidy(() => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]);
}

/** Compares each parameter's gradient with the slope of the loss along it: its own norm. */
export function checkParameterGradients(
  loss: () => tf.Scalar,
  variables: ReadonlyMap<string, tf.Variable>,
): void {
  const { grads } = tf.variableGrads(loss, [...variables.values()]);
  for (const [name, variable] of variables) {
    const gradient = grads[variable.name];
    if (gradient === undefined) continue;
    const [before, size] = [variable.clone(), tf.norm(gradient).dataSync()[0]];
    if (size === 0) continue;
    const at = (distance: number) => {
      tf.tidy(() => variable.assign(tf.add(before, tf.mul(gradient, distance / size))));
      return loss().dataSync()[0];
    };
    // Steps in the weights: at most 0.02.
    const h = Math.min(2e-2 / size, 2e-2);
    const slope = (at(h) - at(-h)) / (2 * h);
    variable.assign(before);
    assert.ok(Math.abs(slope - size) <= 0.02 * size + 2e-5, `${name}: ${slope} against ${size}`);
  }
}
