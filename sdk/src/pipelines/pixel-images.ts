import { pixelImage, type PixelImage } from '../core/pixel-image';
import { tf } from '../tensorflow';

/**
 * Turns decoded pictures into bytes.
 *
 * @param pictures (B, 3, H, W) from -1 to 1; what lies beyond is clipped. They stay the caller's.
 * @returns B pictures of H x W pixels.
 * @throws When the shape is another.
 *
 * @example
 * const [grey] = await toPixelImages(tf.zeros([1, 3, 8, 8]));
 * grey.data[0]; // 128
 */
export async function toPixelImages(pictures: tf.Tensor): Promise<PixelImage[]> {
  const [B, C, H, W] = pictures.shape;
  if (pictures.rank !== 4 || C !== 3) {
    throw new Error(
      `Cannot turn a tensor into pictures as its shape must be (B, 3, H, W): current value is (${pictures.shape.join(', ')})`,
    );
  }
  const levels = tf.tidy(() =>
    tf.mul(tf.add(pictures, 1), 127.5).round().clipByValue(0, 255).transpose([0, 2, 3, 1]),
  );
  const bytes = new Uint8Array(await levels.data());
  levels.dispose();
  const size = H * W * 3;
  return Array.from({ length: B }, (_, b) =>
    pixelImage(W, H, bytes.subarray(b * size, (b + 1) * size)),
  );
}
