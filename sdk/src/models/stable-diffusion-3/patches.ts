import { tf } from '../../tensorflow';

/**
 * Latents (B, C, H, W) -> patches (B, H/p * W/p, C p p), each in the order (channel, row, column).
 *
 * @param p Side of a patch.
 */
export function patchify(x: tf.Tensor4D, p: number): tf.Tensor3D {
  const [B, C, H, W] = x.shape;
  const [h, w] = [H / p, W / p];
  return tf
    .reshape(x, [B, C, h, p, w, p])
    .transpose([0, 2, 4, 1, 3, 5]) // (B, h, w, C, p, p)
    .reshape([B, h * w, C * p * p]);
}

/**
 * Patches (B, H/p * W/p, p p C), each in the order (row, column, channel) -> latents (B, C, H, W).
 *
 * @param p Side of a patch.
 * @param size Height and width of the latents.
 */
export function unpatchify(x: tf.Tensor3D, p: number, [H, W]: readonly number[]): tf.Tensor4D {
  const [B, , values] = x.shape;
  const [h, w, C] = [H / p, W / p, values / p ** 2];
  return tf
    .reshape(x, [B, h, w, p, p, C])
    .transpose([0, 5, 1, 3, 2, 4]) // (B, C, h, p, w, p)
    .reshape([B, C, H, W]);
}

/**
 * The middle of a square table of positions: where a smaller picture lies.
 *
 * @param table (1, side^2, C)
 * @param side Patches a side of the table.
 * @returns (1, h w, C)
 */
export function centredPositions(
  table: tf.Tensor3D,
  side: number,
  [h, w]: readonly number[],
): tf.Tensor3D {
  const C = table.shape[2];
  const [top, left] = [h, w].map((length) => Math.floor((side - length) / 2));
  return table
    .reshape<tf.Tensor3D>([side, side, C])
    .slice([top, left, 0], [h, w, C])
    .reshape([1, h * w, C]);
}
