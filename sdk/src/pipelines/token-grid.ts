/** Pixels a side of a picture for each latent, in the autoencoders of both architectures. */
export const VAE_SCALE_FACTOR = 8;

/** How many latent tokens a picture has down and across: sides in pixels, divided by 8 and by 2. */
export function tokenGrid(
  height: number,
  width: number,
  vaeScaleFactor = VAE_SCALE_FACTOR,
): [rows: number, columns: number] {
  const tokens = (pixels: number) => Math.floor(Math.floor(pixels / vaeScaleFactor) / 2);
  return [tokens(height), tokens(width)];
}
