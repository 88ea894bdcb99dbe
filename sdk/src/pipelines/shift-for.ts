import { calculateShift } from '../schedulers';

/** Settings of a scheduler that place its noise levels by the size of a picture, under diffusers' keys. */
export interface ShiftConfig {
  base_image_seq_len?: number | null;
  max_image_seq_len?: number | null;
  base_shift?: number | null;
  max_shift?: number | null;
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
