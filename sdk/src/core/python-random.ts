import { MersenneTwister } from './mersenne-twister';

/**
 * CPython's `random.Random(seed)` as far as `randint` goes: MT19937 (Matsumoto and Nishimura, 1998) with CPython's seeding,
 * to place windows where a Python run with the same seed places them.
 *
 * @example
 * new PythonRandom(42).randint(0, 3); // 0 // as random.Random(42).randint(0, 3)
 */
export class PythonRandom {
  readonly #twister: MersenneTwister;

  /** @param seed A safe integer; its sign is ignored, as in CPython. */
  constructor(seed: number) {
    if (!Number.isSafeInteger(seed)) {
      throw new Error(`Cannot seed PythonRandom as the seed must be a safe integer: ${seed}`);
    }
    const magnitude = Math.abs(seed);
    const [low, high] = [magnitude >>> 0, Math.floor(magnitude / 2 ** 32)];
    this.#twister = MersenneTwister.fromWords(high === 0 ? [low] : [low, high]);
  }

  /** An integer with low <= integer <= high: both ends are included. */
  randint(low: number, high: number): number {
    const count = high - low + 1;
    if (!(Number.isInteger(low) && count >= 1 && count < 2 ** 32)) {
      throw new Error(
        `Cannot draw randint as low <= high must be integers less than 2^32 apart: ${low}, ${high}`,
      );
    }
    const bits = 32 - Math.clz32(count);
    let draw: number;
    do draw = this.#twister.word() >>> (32 - bits);
    while (draw >= count);
    return low + draw;
  }
}
