import { RandomKey } from '../core/random-key';
import { tf } from './backend';
import { noiseSize } from './noise-size';
import { normalRows, randomNormal } from './random';

/** A stream of random numbers: every call gives the next ones. What all `generator` options take. */
export interface Generator {
  /** Standard normal float32 numbers of `shape`, less than 2^31. The caller owns the tensor. */
  randn(shape: number[]): tf.Tensor;
  /** An integer with low <= integer < high. */
  integer(low: number, high: number): number;
}

/**
 * The stream of a key: draw k comes from `key.fold(k)`, and row b of a normal draw from `key.fold(k, b)`, so that the
 * numbers of a row do not depend on how many rows are drawn with it.
 *
 * @param key A key, or a seed for one.
 *
 * @example
 * const noise = keyGenerator(1).randn([2, 3]); // its first row is keyGenerator(1).randn([1, 3])
 */
export function keyGenerator(key: RandomKey | number): Generator {
  const root = typeof key === 'number' ? RandomKey.fromSeed(key) : key;
  let draws = 0;
  return {
    randn(shape) {
      noiseSize(shape);
      const draw = root.fold(draws++);
      if (shape.length === 0) return randomNormal(draw, []);
      const [B] = shape;
      if (B === 0) return tf.zeros(shape);
      const keys = Array.from({ length: B }, (_, b) => draw.fold(b));
      return normalRows(keys, shape);
    },
    integer: (low, high) => root.fold(draws++).integer(low, high),
  };
}

/**
 * Gives recorded draws in their order, to replay a run that was drawn elsewhere.
 *
 * @param draws Normal draws. Each `randn` call gives a copy of the next and checks its shape.
 * @param integers Integer draws, given in their order.
 * @returns Its calls throw when no draw is left, or the next one has another shape or lies out of the bounds asked for.
 *
 * @example
 * replayGenerator([tf.zeros([2, 3])]).randn([2, 3]); // [[0, 0, 0], [0, 0, 0]]
 */
export function replayGenerator(
  draws: readonly tf.Tensor[],
  integers: readonly number[] = [],
): Generator {
  let [nextDraw, nextInteger] = [0, 0];
  return {
    randn(shape) {
      if (nextDraw >= draws.length) {
        throw new Error(`Cannot replay a normal draw as only ${draws.length} were recorded`);
      }
      const draw = draws[nextDraw++];
      if (draw.shape.join() !== shape.join()) {
        throw new Error(
          `Cannot replay normal draw ${nextDraw - 1} as its shape must be [${shape}]: it is [${draw.shape}]`,
        );
      }
      return draw.clone();
    },
    integer(low, high) {
      if (nextInteger >= integers.length) {
        throw new Error(`Cannot replay an integer draw as only ${integers.length} were recorded`);
      }
      const integer = integers[nextInteger++];
      if (integer < low || integer >= high) {
        throw new Error(
          `Cannot replay integer draw ${nextInteger - 1} as it must be ${low} to ${high - 1}: it is ${integer}`,
        );
      }
      return integer;
    },
  };
}

let defaultStream = keyGenerator(0);

/**
 * Restarts the stream that is used where no generator is given, as torch.manual_seed does. It starts with seed 0.
 *
 * @example
 * seedDefaultGenerator(0);
 * tf.sub(drawNormal(null, [2]), keyGenerator(0).randn([2])); // [0, 0]
 */
export function seedDefaultGenerator(seed: number): void {
  defaultStream = keyGenerator(seed);
}

/**
 * Normal numbers of `shape` from what a `generator` option holds.
 *
 * @param generator One stream for all rows; or one a row (first axis); or nothing for the default stream.
 * @param shape Any shape; with a list, its first length is the list's.
 * @returns The caller owns it.
 * @throws When a list has not one stream a row.
 *
 * @example
 * const one = drawNormal(keyGenerator(1), [1, 3]);
 * tf.sub(drawNormal([keyGenerator(1), keyGenerator(2)], [2, 3]).slice(0, 1), one); // [[0, 0, 0]]
 */
export function drawNormal(
  generator: Generator | readonly Generator[] | null | undefined,
  shape: number[],
): tf.Tensor {
  if (generator === null || generator === undefined) return defaultStream.randn(shape);
  if (!isList(generator)) return generator.randn(shape);
  const [B, ...rest] = shape;
  if (generator.length !== B) {
    throw new Error(
      `Cannot draw noise as a list of generators must have one a row (${B}): it has ${generator.length}`,
    );
  }
  return tf.tidy(() => tf.concat(generator.map((stream) => stream.randn([1, ...rest]))));
}

function isList(value: Generator | readonly Generator[]): value is readonly Generator[] {
  return Array.isArray(value);
}
