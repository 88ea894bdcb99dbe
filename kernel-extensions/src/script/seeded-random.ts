/**
 * Makes `Math.random` a function of a seed, until the returned function is called: a script's own
 * `--seed`. tfjs draws the seeds of its own random tensors from it too. Generator: mulberry32, which
 * passes gjrand's tests at this size.
 */
export function seedMathRandom(seed: number): () => void {
  const usual = Math.random;
  let state = seed >>> 0;
  Math.random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return () => {
    Math.random = usual;
  };
}
