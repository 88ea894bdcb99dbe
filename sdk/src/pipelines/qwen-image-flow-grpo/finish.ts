import type { PixelImage } from '../../core/pixel-image';
import type { tf } from '../../tensorflow';
import { toPixelImages } from '../pixel-images';
import type { OutputType } from './forward-options';
import { VAE_SCALE_FACTOR } from './schedule';

/** Pixels a side of a picture for each packed token. */
export const TOKEN_SIDE = 2 * VAE_SCALE_FACTOR;

/**
 * What a rollout puts out of its final latents.
 *
 * @param decode Pictures (B, 3, H, W) from -1 to 1; called unless latents are asked for.
 */
export async function finish(
  latents: tf.Tensor,
  outputType: OutputType,
  decode: () => tf.Tensor,
): Promise<PixelImage[] | tf.Tensor> {
  if (outputType === 'latent') return latents;
  const pictures = decode();
  if (outputType === 'pt') return pictures;
  try {
    return await toPixelImages(pictures);
  } finally {
    pictures.dispose();
  }
}
