import { tf } from '../../../sdk/src/tensorflow';

/** Fixed numbers between -1 and 1, without a random generator that a backend could change. */
export function waves(shape: number[], seed = 0): tf.Tensor {
  const size = shape.reduce((product, side) => product * side, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => Math.sin(1.7 * i * i + i + seed)),
    shape,
  );
}
