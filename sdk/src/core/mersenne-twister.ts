const LENGTH = 624;
const MIDDLE = 397;

/** MT19937 (Matsumoto and Nishimura, 1998): a stream of 32-bit words, as CPython and PyTorch draw them. */
export class MersenneTwister {
  readonly #state = new Uint32Array(LENGTH);
  #next = LENGTH;

  /** Seeds by one word, as `init_genrand` and PyTorch do. @param seed Its low 32 bits count. */
  constructor(seed: number) {
    this.#state[0] = seed;
    for (let i = 1; i < LENGTH; i++) {
      const previous = this.#state[i - 1];
      this.#state[i] = Math.imul(previous ^ (previous >>> 30), 1812433253) + i;
    }
  }

  /** Seeds by a list of words, as `init_by_array` and CPython do. */
  static fromWords(words: readonly number[]): MersenneTwister {
    const twister = new MersenneTwister(19650218);
    twister.#mix(words);
    return twister;
  }

  /** The next word, 0 to 2^32 - 1. */
  word(): number {
    if (this.#next === LENGTH) this.#twist();
    let word = this.#state[this.#next++];
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    word ^= word >>> 18;
    return word >>> 0;
  }

  #mix(words: readonly number[]): void {
    const state = this.#state;
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

  #twist(): void {
    const state = this.#state;
    for (let i = 0; i < LENGTH; i++) {
      const mixed = (state[i] & 0x80000000) | (state[(i + 1) % LENGTH] & 0x7fffffff);
      state[i] = state[(i + MIDDLE) % LENGTH] ^ (mixed >>> 1) ^ (mixed & 1 ? 0x9908b0df : 0);
    }
    this.#next = 0;
  }
}
