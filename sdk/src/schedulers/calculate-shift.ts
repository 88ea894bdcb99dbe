import { checkOptions, number, type Rules } from '../core/option-rules';

/** Where the line from image size to shift begins and ends. */
export interface ShiftRange {
  /** Tokens at which mu is `baseShift`. Default 256. */
  baseSeqLen?: number;
  /** Tokens at which mu is `maxShift`. Default 4096. */
  maxSeqLen?: number;
  /** Default 0.5. */
  baseShift?: number;
  /** Default 1.15; Stable Diffusion 3 uses 1.16. */
  maxShift?: number;
}

const RULES: Rules<ShiftRange> = {
  baseSeqLen: number(),
  maxSeqLen: number(),
  baseShift: number(),
  maxShift: number(),
};

/**
 * The shift mu for an image of `imageSeqLen` latent tokens, on a line through two points (not clamped), as in diffusers'
 * `calculate_shift`.
 *
 * @param imageSeqLen Number of packed latent tokens, height * width / (16 * 16) in pixels.
 *
 * @example
 * calculateShift(1024, { maxSeqLen: 8192, maxShift: 0.9 }); // 0.5387
 */
export function calculateShift(imageSeqLen: number, range: ShiftRange = {}): number {
  checkOptions('calculate a shift', range, RULES);
  const { baseSeqLen = 256, maxSeqLen = 4096, baseShift = 0.5, maxShift = 1.15 } = range;
  const slope = (maxShift - baseShift) / (maxSeqLen - baseSeqLen);
  return imageSeqLen * slope + (baseShift - slope * baseSeqLen);
}
