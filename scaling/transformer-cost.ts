/** A transformer with a stream for pictures and one for text, as Qwen-Image's. */
export interface TwoStreamTransformer {
  layers: number;
  /** Width D. */
  width: number;
  /** Tokens of the picture, S, and of the text, L. */
  imageTokens: number;
  textTokens: number;
}

/** Weights of the blocks: attention 4 D^2 and feed-forward 8 D^2 a stream, modulation 6 D^2 a stream. */
export function parametersOf({ layers, width }: TwoStreamTransformer): number {
  return layers * 2 * (12 + 6) * width ** 2;
}

/** Floating point operations of one forward pass of one picture: products with weights, and attention. */
export function forwardFlops(model: TwoStreamTransformer): number {
  const { layers, width, imageTokens, textTokens } = model;
  const tokens = imageTokens + textTokens;
  return layers * (2 * 12 * width ** 2 * tokens + 4 * tokens ** 2 * width);
}

/** Weights of adapters of a rank on the eight projections of each block's attention. */
export function adapterParameters({ layers, width }: TwoStreamTransformer, rank: number): number {
  return layers * 8 * 2 * width * rank;
}
