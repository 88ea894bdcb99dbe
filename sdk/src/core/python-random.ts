import { createHash } from 'node:crypto';
import { MersenneTwister } from './mersenne-twister';

/**
 * CPython's `random.Random(seed)` as far as `randint` and `shuffle` go: MT19937 (Matsumoto and Nishimura, 1998) with CPython's
 * seeding, to place windows and split data as a Python run with the same seed does.
 *
 * @example
 * new PythonRandom(42).randint(0, 3); // 0 // as random.Random(42).randint(0, 3)
 */
export class PythonRandom {
  readonly #twister: MersenneTwister;

  /**
   * @param seed A safe integer, whose sign is ignored, or a text, as in CPython.
   * @throws When the seed is a number and no safe integer.
   */
  constructor(seed: number | string) {
    if (typeof seed === 'string') {
      this.#twister = MersenneTwister.fromWords(wordsOfText(seed));
      return;
    }
    if (!Number.isSafeInteger(seed)) {
      throw new Error(`Cannot seed PythonRandom as the seed must be a safe integer: ${seed}`);
    }
    const magnitude = Math.abs(seed);
    const [low, high] = [magnitude >>> 0, Math.floor(magnitude / 2 ** 32)];
    this.#twister = MersenneTwister.fromWords(high === 0 ? [low] : [low, high]);
  }

  /**
   * An integer with low <= integer <= high: both ends are included.
   *
   * @throws When low <= high are not integers less than 2^32 apart.
   */
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

  /** Brings a list into random order, in place. */
  shuffle(list: unknown[]): void {
    for (let last = list.length - 1; last > 0; last--) {
      const at = this.randint(0, last);
      [list[last], list[at]] = [list[at], list[last]];
    }
  }
}

/** The 32-bit words, lowest first, of the number that CPython reads from a text and its SHA-512. */
function wordsOfText(text: string): number[] {
  const bytes = Buffer.concat([
    Buffer.from(text, 'utf8'),
    createHash('sha512').update(text, 'utf8').digest(),
  ]).reverse();
  const padded = Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
  const words = Array.from({ length: padded.length / 4 }, (_, at) => padded.readUInt32LE(4 * at));
  while (words.at(-1) === 0) words.pop();
  return words;
}
