/** What a pass through a Qwen-Image transformer is sized by. */
export interface PassSizes {
  /** Pictures. */
  batch: number;
  imageTokens: number;
  textTokens: number;
  /** Of a token that goes in. */
  channels: number;
  textWidth: number;
  layers: number;
  width: number;
  mlpWidth: number;
}

/** The sizes that the rows are timed at: two pictures of 256 px, prompts of 64 tokens. */
export const SIZES = {
  batch: 2,
  rows: 16,
  columns: 16,
  imageTokens: 256,
  textTokens: 64,
  channels: 64,
  textWidth: 512,
  layers: 6,
  width: 512,
  mlpWidth: 2048,
  pictureSide: 256,
  steps: 10,
} as const;

/** Operations of the matrix products in a forward pass: twice each multiplication. */
export function forwardFlops(sizes: PassSizes = SIZES): number {
  const { batch, imageTokens, textTokens, layers, width, mlpWidth, channels, textWidth } = sizes;
  const tokens = imageTokens + textTokens;
  const projections = tokens * (4 * width * width + 2 * width * mlpWidth);
  const attention = 2 * tokens * tokens * width;
  // Modulation comes from the time embedding, once for each picture and stream.
  const modulation = 2 * 6 * width * width;
  const ends = imageTokens * width * (channels + channels) + textTokens * textWidth * width;
  return 2 * batch * (layers * (projections + attention + modulation) + ends);
}
