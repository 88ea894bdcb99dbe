/** A generator that has taken the place of `Math.random`. */
export interface SeededRandom {
  /** A whole number of 32 bits, from which all further draws follow; set, they go on from there. */
  state: number;
  /** Gives `Math.random` back. */
  end(): void;
}

/**
 * Makes `Math.random` a function of a seed: a script's own `--seed`. tfjs draws the seeds of its own random tensors from it
 * too. Generator: mulberry32, which passes gjrand's tests at this size.
 */
export function seedMathRandom(seed: number): SeededRandom {
  const usual = Math.random;
  const random: SeededRandom = {
    state: seed >>> 0,
    end() {
      Math.random = usual;
    },
  };
  Math.random = () => {
    random.state = (random.state + 0x6d2b79f5) >>> 0;
    const { state } = random;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return random;
}
