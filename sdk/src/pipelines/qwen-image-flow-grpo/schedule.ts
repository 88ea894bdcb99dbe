import { calculateShift } from '../../schedulers';

/** Pixels a side of a picture for each latent, in every Qwen-Image autoencoder. */
export const VAE_SCALE_FACTOR = 8;

/** Settings of Qwen-Image's scheduler that place its noise levels, under diffusers' keys. */
export interface ShiftConfig {
  base_image_seq_len?: number | null;
  max_image_seq_len?: number | null;
  base_shift?: number | null;
  max_shift?: number | null;
}

/** How many latent tokens a picture has down and across: sides in pixels, divided by 8 and by 2. */
export function tokenGrid(
  height: number,
  width: number,
  vaeScaleFactor = VAE_SCALE_FACTOR,
): [rows: number, columns: number] {
  const tokens = (pixels: number) => Math.floor(Math.floor(pixels / vaeScaleFactor) / 2);
  return [tokens(height), tokens(width)];
}

/**
 * The shift mu for a picture of `tokens` latent tokens, on the line that the scheduler's configuration
 * draws; diffusers' values where it is silent.
 */
export function shiftFor(tokens: number, config: ShiftConfig): number {
  return calculateShift(tokens, {
    baseSeqLen: config.base_image_seq_len ?? undefined,
    maxSeqLen: config.max_image_seq_len ?? undefined,
    baseShift: config.base_shift ?? undefined,
    maxShift: config.max_shift ?? undefined,
  });
}

/** Noise levels before the shift: N of them from 1 to 1/N. */
export function linearSigmas(steps: number): number[] {
  return Array.from({ length: steps }, (_, i) =>
    steps === 1 ? 1 : 1 + (i * (1 / steps - 1)) / (steps - 1),
  );
}
