import { tf } from '../../tensorflow';

/** Cosines and sines of the positions 0 ... L-1, each (L, D/2). */
export interface TextRotary {
  cos: tf.Tensor2D;
  sin: tf.Tensor2D;
}

/**
 * Rotary angles of text, position / theta^(2i/D) for i = 0 ... D/2-1.
 *
 * Qwen2.5-VL counts three positions (time, row, column) and gives each a section of the
 * frequencies; on text all three are the token's index, so the sections make no difference.
 * Transformers 5 counts padding too; attention sees only differences of positions, so padding on
 * either side shifts nothing.
 */
export function textRotary(L: number, D: number, theta: number): TextRotary {
  const half = D / 2;
  const angles = new Float32Array(L * half);
  for (let i = 0; i < half; i++) {
    const frequency = Math.fround(1 / Math.fround(theta ** ((2 * i) / D)));
    for (let position = 0; position < L; position++) {
      angles[position * half + i] = position * frequency;
    }
  }
  return {
    cos: tf.tensor2d(angles.map(Math.cos), [L, half]),
    sin: tf.tensor2d(angles.map(Math.sin), [L, half]),
  };
}

/**
 * Turns each pair (x[i], x[i + D/2]) by its angle (Su et al. 2021, RoFormer, eq. 34, with GPT-NeoX's
 * pairing of halves).
 *
 * @param x (..., L, D)
 */
export function rotateHalves<X extends tf.Tensor>(x: X, { cos, sin }: TextRotary): X {
  const [first, second] = tf.split(x, 2, -1);
  return tf.concat(
    [
      tf.sub(tf.mul(first, cos), tf.mul(second, sin)),
      tf.add(tf.mul(second, cos), tf.mul(first, sin)),
    ],
    -1,
  ) as X;
}
