import { tf } from '../../tensorflow';

/** How an autoencoder's latents are brought to unit scale, from its config.json. */
export interface LatentScale {
  shift_factor: number | null;
  scaling_factor: number;
}

/**
 * Brings an autoencoder's latents to the scale that the transformer learns on: (z - shift) scale. Data
 * that was encoded beforehand for Diffusion-DPO needs it once.
 *
 * @param z (B, C, H, W) as `encode` gives it.
 * @returns Of the same shape; the caller owns it.
 * @example
 * const z = tf.ones([1, 16, 8, 8]);
 * const latentsClean = offlineLatents(z, { shift_factor: 0.0609, scaling_factor: 1.5305 });
 */
export function offlineLatents<Z extends tf.Tensor>(
  z: Z,
  { shift_factor, scaling_factor }: LatentScale,
): Z {
  return tf.tidy(() => tf.mul(tf.sub(z, shift_factor ?? 0), scaling_factor));
}
