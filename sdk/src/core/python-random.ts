const LENGTH = 624;
const MIDDLE = 397;

/**
 * CPython's `random.Random(seed)` as far as `randint` goes: MT19937 (Matsumoto and Nishimura, 1998) with CPython's seeding,
 * to place windows where a Python run with the same seed places them.
 *
 * @example
 * new PythonRandom(42).randint(0, 3); // 0, as random.Random(42).randint(0, 3)
 */
export class PythonRandom {
  readonly #state = new Uint32Array(LENGTH);
  #next = LENGTH;

  /** @param seed A safe integer; its sign is ignored, as in CPython. */
  constructor(seed: number) {
    if (!Number.isSafeInteger(seed)) {
      throw new Error(`Cannot seed PythonRandom as the seed must be a safe integer: ${seed}`);
    }
    const magnitude = Math.abs(seed);
    const [low, high] = [magnitude >>> 0, Math.floor(magnitude / 2 ** 32)];
    this.#seedByWords(high === 0 ? [low] : [low, high]);
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
    do draw = this.#word() >>> (32 - bits);
    while (draw >= count);
    return low + draw;
  }

  #seedByWords(words: readonly number[]): void {
    const state = this.#state;
    this.#seed(19650218);
    let [i, j] = [1, 0];
    const previous = () => state[i - 1] ^ (state[i - 1] >>> 30);
    const advance = () => {
      i++;
      if (i < LENGTH) return;
      state[0] = state[LENGTH - 1];
      i = 1;
    };
    for (let k = Math.max(LENGTH, words.length); k > 0; k--) {
      state[i] = (state[i] ^ Math.imul(previous(), 1664525)) + words[j] + j;
      j = (j + 1) % words.length;
      advance();
    }
    for (let k = LENGTH - 1; k > 0; k--) {
      state[i] = (state[i] ^ Math.imul(previous(), 1566083941)) - i;
      advance();
    }
    state[0] = 0x80000000;
  }

  #seed(seed: number): void {
    this.#state[0] = seed;
    for (let i = 1; i < LENGTH; i++) {
      const previous = this.#state[i - 1];
      this.#state[i] = Math.imul(previous ^ (previous >>> 30), 1812433253) + i;
    }
  }

  #word(): number {
    if (this.#next === LENGTH) this.#twist();
    let word = this.#state[this.#next++];
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    word ^= word >>> 18;
    return word >>> 0;
  }

  #twist(): void {
    const state = this.#state;
    for (let i = 0; i < LENGTH; i++) {
      const mixed = (state[i] & 0x80000000) | (state[(i + 1) % LENGTH] & 0x7fffffff);
      state[i] = state[(i + MIDDLE) % LENGTH] ^ (mixed >>> 1) ^ (mixed & 1 ? 0x9908b0df : 0);
    }
    this.#next = 0;
  }
}
