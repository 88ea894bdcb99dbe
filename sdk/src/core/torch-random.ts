import { MersenneTwister } from './mersenne-twister';
import { logSingle, sinCosSingle } from './single-precision';

/** From so many numbers on PyTorch fills a tensor block by block; below it draws one by one. */
const BLOCK = 16;
/** From so many choices on PyTorch takes 64 bits for an integer. */
const WIDE = 2 ** 28;
const TWO_PI = Math.fround(2 * Math.PI);

/**
 * PyTorch's random numbers on the CPU, bit for bit: `torch.Generator().manual_seed(seed)` with `torch.randn`, `torch.rand`
 * and `torch.randint` in float32 and int64, as PyTorch draws them on x86-64 with AVX2.
 *
 * Source: PyTorch 2.13, aten/src/ATen/native/cpu/DistributionTemplates.h and ATen/core/DistributionsHelper.h (the rule).
 *
 * @example
 * new TorchRandom(0).normal(3); // [1.5409960746765137, -0.293428897857666, -2.1787893772125244]
 */
export class TorchRandom {
  readonly #twister: MersenneTwister;
  /** The second number of a pair that was drawn one by one. */
  #spare: number | null = null;

  /**
   * @param seed As `torch.manual_seed` takes it: an integer from -2^63 to 2^64 - 1. Beyond 2^53 it must be a bigint. Its low
   *   32 bits count.
   * @throws When the seed is no such integer.
   */
  constructor(seed: number | bigint) {
    const isInteger = typeof seed === 'bigint' || Number.isSafeInteger(seed);
    if (!isInteger || seed < -(2n ** 63n) || seed >= 2n ** 64n) {
      throw new Error(
        `Cannot seed TorchRandom as the seed must be an integer from -2^63 to 2^64 - 1: current value is ${seed}`,
      );
    }
    this.#twister = new MersenneTwister(Number(BigInt.asUintN(32, BigInt(seed))));
  }

  /** Standard normal numbers: one call of `torch.randn` with `count` elements. */
  normal(count: number): Float32Array {
    if (count < BLOCK) return Float32Array.from({ length: count }, () => this.#nextNormal());
    const values = this.uniform(count);
    for (let start = 0; start + BLOCK <= count; start += BLOCK) toNormalBlock(values, start);
    if (count % BLOCK !== 0) {
      // The last 16 are drawn again, so that they are a whole block.
      values.set(this.uniform(BLOCK), count - BLOCK);
      toNormalBlock(values, count - BLOCK);
    }
    return values;
  }

  /** Numbers with 0 <= number < 1: one call of `torch.rand` with `count` elements. */
  uniform(count: number): Float32Array {
    return Float32Array.from({ length: count }, () => (this.#twister.word() & 0xffffff) / 2 ** 24);
  }

  /**
   * An integer with low <= integer < high, as `torch.randint(low, high, (1,))`.
   *
   * @throws When the two are no safe integers, or low is not below high.
   */
  integer(low: number, high: number): number {
    const count = high - low;
    if (!(Number.isSafeInteger(low) && Number.isSafeInteger(high) && count >= 1)) {
      throw new Error(
        `Cannot draw an integer as low < high must be safe integers: ${low} and ${high}`,
      );
    }
    if (count < WIDE) return low + (this.#twister.word() % count);
    return low + Number(this.#longWord() % BigInt(count));
  }

  /** The numbers 0 to count - 1 in random order: one call of `torch.randperm(count)`. */
  permutation(count: number): number[] {
    const order = Array.from({ length: count }, (_, at) => at);
    for (let at = 0; at < count - 1; at++) {
      const other = at + (this.#twister.word() % (count - at));
      [order[at], order[other]] = [order[other], order[at]];
    }
    return order;
  }

  /** 64 bits, the high word first. */
  #longWord(): bigint {
    const high = this.#twister.word();
    return (BigInt(high) << 32n) | BigInt(this.#twister.word());
  }

  #nextDouble(): number {
    return Number(this.#longWord() & 0x1fffffffffffffn) / 2 ** 53;
  }

  /** Box and Muller in double precision; PyTorch keeps the second number for the next call. */
  #nextNormal(): number {
    if (this.#spare !== null) {
      const value = this.#spare;
      this.#spare = null;
      return value;
    }
    const angle = 2 * Math.PI * this.#nextDouble();
    const radius = Math.sqrt(-2 * Math.log1p(-this.#nextDouble()));
    this.#spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }
}

const sinCos = [0, 0];

/** Box and Muller on 8 uniform pairs: u1 in the first half of the block, u2 in the second. */
function toNormalBlock(values: Float32Array, start: number): void {
  for (let k = start; k < start + BLOCK / 2; k++) {
    const log = logSingle(Math.fround(1 - values[k]));
    const radius = Math.fround(Math.sqrt(Math.fround(-2 * log)));
    sinCosSingle(Math.fround(TWO_PI * values[k + BLOCK / 2]), sinCos);
    // + 0 as the mean is added: -0 becomes 0.
    values[k] = radius * sinCos[1] + 0;
    values[k + BLOCK / 2] = radius * sinCos[0] + 0;
  }
}
