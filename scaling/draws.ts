import { RandomKey } from '@flowbook/sdk';

/** What chance decides, each a pure function of the seed and of what it is for. */
export class Draws {
  readonly #key: RandomKey;

  constructor(seed: number) {
    this.#key = RandomKey.fromSeed(seed);
  }

  /** By how much an attempt takes longer than usual: log-normal with mean 1. */
  slowness(part: number, attempt: number, straggling: number): number {
    if (straggling === 0) return 1;
    const key = this.#key.fold('slowness', part, attempt);
    const radius = Math.sqrt(-2 * Math.log(1 - key.fold('radius').uniform()));
    const normal = radius * Math.cos(2 * Math.PI * key.fold('angle').uniform());
    return Math.exp(straggling * normal - straggling ** 2 / 2);
  }

  /** How long a worker lives, in seconds: exponential. */
  life(worker: number, lives: number, meanSeconds: number): number {
    if (meanSeconds === Infinity) return Infinity;
    return -meanSeconds * Math.log(1 - this.#key.fold('life', worker, lives).uniform());
  }
}
