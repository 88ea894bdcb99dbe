/**
 * Colours for vectors: their three strongest principal components as red, green, blue, so that equal
 * contents get equal colours. Components come from power iteration with deflation on the covariance
 * (Golub and Van Loan, "Matrix Computations", 7.3), which needs no library for so few channels.
 */
export interface PrincipalColours {
  /** Red, green, blue of a vector, each 0 to 255. */
  colour(vector: Float32Array): [red: number, green: number, blue: number];
}

/** Fits the colours to vectors of equal length; at least three channels. */
export function fitPrincipalColours(vectors: readonly Float32Array[]): PrincipalColours {
  const finite = vectors.filter((vector) => vector.every(Number.isFinite));
  const channels = vectors[0].length;
  const mean = new Float64Array(channels);
  for (const vector of finite) vector.forEach((value, c) => (mean[c] += value / finite.length));
  const covariance = Array.from({ length: channels }, () => new Float64Array(channels));
  for (const vector of finite) {
    for (let i = 0; i < channels; i++) {
      for (let j = 0; j < channels; j++) {
        covariance[i][j] += ((vector[i] - mean[i]) * (vector[j] - mean[j])) / finite.length;
      }
    }
  }
  const components = [0, 1, 2].map((index) => strongest(covariance, index));

  return {
    colour: (vector) =>
      components.map(({ direction, std }) => {
        let score = 0;
        for (let c = 0; c < channels; c++) score += (vector[c] - mean[c]) * direction[c];
        // Plus and minus two deviations fill the range of a byte.
        const level = 128 + (56 * score) / (std || 1);
        return Number.isFinite(level) ? Math.min(255, Math.max(0, Math.round(level))) : 0;
      }) as [number, number, number],
  };
}

/** The strongest component of a covariance, which it is then taken out of. */
function strongest(
  covariance: Float64Array[],
  index: number,
): { direction: Float64Array; std: number } {
  const channels = covariance.length;
  let direction = Float64Array.from({ length: channels }, (_, i) => (i % 3 === index ? 1 : 0.5));
  let variance = 0;
  for (let iteration = 0; iteration < 100; iteration++) {
    const next = Float64Array.from(covariance, (row) =>
      row.reduce((sum, value, i) => sum + value * direction[i], 0),
    );
    variance = Math.hypot(...next);
    if (variance === 0) break;
    direction = next.map((value) => value / variance);
  }
  for (let i = 0; i < channels; i++) {
    for (let j = 0; j < channels; j++) covariance[i][j] -= variance * direction[i] * direction[j];
  }
  return { direction, std: Math.sqrt(variance) };
}
