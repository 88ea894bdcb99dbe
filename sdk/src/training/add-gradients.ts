import { tf } from '../tensorflow';

/** Adds `weight` times each gradient to the sums, which replaces them; the gradients stay the caller's. */
export function addGradients(
  sums: Map<string, tf.Tensor>,
  gradients: ReadonlyMap<string, tf.Tensor>,
  weight: number,
): void {
  for (const [name, gradient] of gradients) {
    const before = sums.get(name);
    const sum = tf.tidy(() => {
      const part = weight === 1 ? gradient.clone() : tf.mul(gradient, weight);
      return tf.keep(before === undefined ? part : tf.add(before, part));
    });
    before?.dispose();
    sums.set(name, sum);
  }
}
