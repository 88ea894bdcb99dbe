import { tf } from '../../tensorflow';

/**
 * Embeddings of a square of patches, row by row: sines and cosines of the column in the first half, of the row in the second.
 *
 *   omega_k = 10000^(-k / (D / 4)),  k from 0 to D / 4
 *
 * Rule: diffusers 0.42.1 `get_2d_sincos_pos_embed`, in float64 as there.
 *
 * @param side Patches a side.
 * @param base Patches a side of the pictures that the model is made for: places are scaled by base / side.
 * @param D Width of an embedding; divisible by 4.
 * @returns (1, side * side, D)
 */
export function sinCosPositions(side: number, base: number, D: number): tf.Tensor3D {
  const quarter = D / 4;
  const values = new Float32Array(side * side * D);
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const start = (row * side + column) * D;
      [column, row].forEach((place, half) => {
        for (let k = 0; k < quarter; k++) {
          const angle = ((place * base) / side) * 10_000 ** (-k / quarter);
          values[start + half * 2 * quarter + k] = Math.sin(angle);
          values[start + half * 2 * quarter + quarter + k] = Math.cos(angle);
        }
      });
    }
  }
  return tf.tensor3d(values, [1, side * side, D]);
}
