import { packLatents } from '../../models/qwen-image/vae-latents';
import { drawNormal, tf, type Generator } from '../../tensorflow';

/**
 * Draws the noise that a rollout starts from, in the layout and order of diffusers: latents
 * (B, 1, C/4, 2 rows, 2 columns), then packed.
 *
 * @param shape Pictures, channels of a packed token, token rows, token columns.
 * @returns (B, rows * columns, C)
 */
export function drawLatents(
  generator: Generator | readonly Generator[],
  [B, channels, rows, columns]: readonly [number, number, number, number],
): tf.Tensor3D {
  const [C, h, w] = [channels / 4, 2 * rows, 2 * columns];
  return tf.tidy(() =>
    packLatents(tf.reshape(drawNormal(generator, [B, 1, C, h, w]), [B, C, h, w])),
  );
}
