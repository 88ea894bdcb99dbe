/** Noise levels before the shift: N of them from 1 to 1/N. */
export function linearSigmas(steps: number): number[] {
  return Array.from({ length: steps }, (_, i) =>
    steps === 1 ? 1 : 1 + (i * (1 / steps - 1)) / (steps - 1),
  );
}
