import { philox4x32, type Words4 } from './philox';

/** The last counter word says what a block is for, so that no two uses share one. */
const USE = { seed: 0, number: 1, text: 2, draw: 3 };

/**
 * A random number as a value: the same key gives the same draw, however often and in whatever order it is asked.
 *
 * A run folds what a draw is for (step, prompt, sample, denoising step) into the run's key. Nothing is stored, so batching
 * and restarts change no bit. Counter-based as in Salmon et al. (SC 2011) and JAX's `fold_in`.
 *
 * @example
 * const key = RandomKey.fromSeed(42).fold('noise', 3);
 * key.uniform() === key.uniform(); // true
 * key.fold(0).uniform() === key.fold(1).uniform(); // false
 */
export class RandomKey {
  /** The key itself: two signed 32-bit words, the seed pair that TensorFlow's stateless operations take. */
  readonly words: readonly [number, number];

  private constructor(word0: number, word1: number) {
    this.words = [word0 | 0, word1 | 0];
  }

  /**
   * @param seed A safe integer, also a negative one.
   * @throws When it is none.
   */
  static fromSeed(seed: number): RandomKey {
    if (!Number.isSafeInteger(seed)) {
      throw new Error(`Cannot make a random key as the seed must be a safe integer: ${seed}`);
    }
    return new RandomKey(0, 0).#fold([seed >>> 0, Math.floor(seed / 2 ** 32), 0, USE.seed]);
  }

  /**
   * The key of two words, as `words` gave them.
   *
   * @throws When they are no signed 32-bit integers.
   */
  static fromWords([word0, word1]: readonly [number, number]): RandomKey {
    if ((word0 | 0) !== word0 || (word1 | 0) !== word1) {
      throw new Error(
        `Cannot make a random key as its words must be signed 32-bit integers: ${word0}, ${word1}`,
      );
    }
    return new RandomKey(word0, word1);
  }

  /**
   * The key for a part of what this key stands for. `fold(a, b)` is `fold(a).fold(b)`.
   *
   * @param data Finite numbers and strings, in order. 1 and '1' give different keys.
   */
  fold(...data: (number | string)[]): RandomKey {
    return data.reduce<RandomKey>(
      (key, datum) => (typeof datum === 'string' ? key.#foldText(datum) : key.#foldNumber(datum)),
      this,
    );
  }

  /** This key's number in [0, 1), with 53 random bits. */
  uniform(): number {
    const [high, low] = this.#block([0, 0, 0, USE.draw]);
    return ((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53;
  }

  /**
   * This key's integer with low <= integer < high.
   *
   * @throws When the two are no safe integers, or low is not below high.
   */
  integer(low: number, high: number): number {
    if (!(Number.isSafeInteger(low) && Number.isSafeInteger(high) && low < high)) {
      throw new Error(
        `Cannot draw an integer as low and high must be integers with low < high: ${low}, ${high}`,
      );
    }
    return low + Math.floor(this.uniform() * (high - low));
  }

  #foldNumber(value: number): RandomKey {
    if (!Number.isFinite(value)) {
      throw new Error(`Cannot fold a number into a random key as it must be finite: ${value}`);
    }
    const bits = new Uint32Array(new Float64Array([value === 0 ? 0 : value]).buffer);
    return this.#fold([bits[0], bits[1], 0, USE.number]);
  }

  #foldText(text: string): RandomKey {
    const bytes = Buffer.from(text, 'utf8');
    const padded = Buffer.alloc(Math.max(8, Math.ceil(bytes.length / 8) * 8));
    bytes.copy(padded);
    const starts = Array.from({ length: padded.length / 8 }, (_, index) => index * 8);
    return starts.reduce<RandomKey>((key, at) => {
      const [word0, word1] = [padded.readUInt32LE(at), padded.readUInt32LE(at + 4)];
      return key.#fold([word0, word1, bytes.length - at, USE.text]);
    }, this);
  }

  #fold(counter: Words4): RandomKey {
    const [word0, word1] = this.#block(counter);
    return new RandomKey(word0, word1);
  }

  #block(counter: Words4): Words4 {
    return philox4x32(counter, this.words[0], this.words[1]);
  }
}
