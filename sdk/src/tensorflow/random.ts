import { philox4x32 } from '../core/philox';
import type { RandomKey } from '../core/random-key';
import { logSingle, sinCosSingle } from '../core/single-precision';
import { nativeBackend, tf } from './backend';
import { noiseSize } from './noise-size';

/** Enums of TensorFlow's C interface. */
const ATTRIBUTE_TYPE = 4;
const FLOAT32 = 1;
const INT32 = 3;

/** The key that TensorFlow scrambles a seed pair with before use. */
const SCRAMBLE_KEY: [number, number] = [0x3ec8f720, 0x02461e29];

/** Smallest argument that is let into the logarithm. */
const EPSILON = Math.fround(1e-7);
const TWO_PI = Math.fround(2 * Math.PI);

/** The door that `flowbook setup` builds into the binding: `philoxNormal` of each row, at full speed. */
interface NoiseBinding {
  randomNormal?(seeds: Int32Array, shape: number[]): { id: number; shape: number[]; dtype: number };
}

interface NoiseBackend {
  binding: NoiseBinding;
  createOutputTensor(metadata: object): tf.Tensor;
}

/**
 * Standard normal numbers that depend on the key and the shape alone: those of TensorFlow's StatelessRandomNormal, but for
 * the last bits of logarithm, sine and cosine, which here are the same on every processor and backend. The caller owns the
 * tensor.
 *
 * @param key Which numbers.
 * @param shape Any shape of less than 2^31 numbers.
 * @returns float32 tensor of `shape`.
 * @throws When the shape is none.
 *
 * @example
 * const noise = randomNormal(RandomKey.fromSeed(1), [2, 3]); // the same six numbers at every call
 */
export function randomNormal(key: RandomKey, shape: number[]): tf.Tensor {
  return normalRows([key], shape);
}

/**
 * As `randomNormal`, with a key for each row.
 *
 * @param shape Its first length is the number of keys; with one key, any shape.
 * @returns Of `shape`. The caller owns it.
 *
 * @example
 * const keys = [RandomKey.fromSeed(1), RandomKey.fromSeed(2)];
 * tf.sub(normalRows(keys, [2, 3]).slice(0, 1), randomNormal(keys[0], [1, 3])); // [[0, 0, 0]]
 */
export function normalRows(keys: readonly RandomKey[], shape: number[]): tf.Tensor {
  const count = noiseSize(shape) / keys.length;
  const native = nativeBackend() as unknown as NoiseBackend | null;
  const seeds = keys.flatMap(({ words }) => words);
  if (native?.binding.randomNormal !== undefined) {
    return native.createOutputTensor(native.binding.randomNormal(Int32Array.from(seeds), shape));
  }
  const values = new Float32Array(keys.length * count);
  keys.forEach(({ words }, row) => values.set(philoxNormal(words, count), row * count));
  return tf.tensor(values, shape, 'float32');
}

/**
 * Numbers from 0 to below 1 that depend on the key and the shape alone: TensorFlow's StatelessRandomUniform, the same bits
 * on both backends. The caller owns the tensor.
 *
 * @param shape Any shape of less than 2^31 numbers.
 * @throws When the shape is none.
 *
 * @example
 * const mask = randomUniform(RandomKey.fromSeed(1), [2, 3]).less(0.5);
 */
export function randomUniform(key: RandomKey, shape: number[]): tf.Tensor {
  const count = noiseSize(shape);
  const native = nativeBackend();
  if (native === null) {
    return tf.tensor(philoxUniform(key.words, count), shape, 'float32');
  }
  return tf.tidy(() => {
    const attributes = [
      { name: 'dtype', type: ATTRIBUTE_TYPE, value: FLOAT32 },
      { name: 'T', type: ATTRIBUTE_TYPE, value: INT32 },
      { name: 'Tseed', type: ATTRIBUTE_TYPE, value: INT32 },
    ];
    const inputs = [tf.tensor1d(shape, 'int32'), tf.tensor1d([...key.words], 'int32')];
    return native.executeSingleOutput('StatelessRandomUniform', attributes, inputs);
  });
}

/**
 * The rule of `randomNormal`: the seed pair is scrambled to a Philox key and counter, block k of four words becomes four
 * normals by two Box-Muller transforms in single precision.
 *
 * @param seed Two signed 32-bit words.
 * @param count How many numbers.
 *
 * @example
 * const key = RandomKey.fromSeed(1);
 * tf.sub(randomNormal(key, [3]), tf.tensor1d(philoxNormal(key.words, 3))); // [0, 0, 0]
 */
export function philoxNormal(seed: readonly [number, number], count: number): Float32Array {
  return philoxNumbers(seed, count, (words, target, at) => {
    boxMuller(words[0], words[1], target, at);
    boxMuller(words[2], words[3], target, at + 2);
  });
}

/**
 * TensorFlow's StatelessRandomUniform in plain JavaScript; see `philoxNormal`.
 *
 * @example
 * const key = RandomKey.fromSeed(1);
 * tf.sub(randomUniform(key, [3]), tf.tensor1d(philoxUniform(key.words, 3))); // [0, 0, 0]
 */
export function philoxUniform(seed: readonly [number, number], count: number): Float32Array {
  return philoxNumbers(seed, count, (words, target, at) => {
    words.forEach((word, index) => (target[at + index] = unitFloat(word)));
  });
}

/** Four numbers from each block of four words. */
function philoxNumbers(
  seed: readonly [number, number],
  count: number,
  write: (words: readonly number[], target: Float32Array, at: number) => void,
): Float32Array {
  const signOf = (word: number) => (word < 0 ? 0xffffffff : 0);
  const [key0, key1, counter2, counter3] = philox4x32(
    [seed[0], signOf(seed[0]), seed[1], signOf(seed[1])],
    ...SCRAMBLE_KEY,
  );
  const numbers = new Float32Array(Math.ceil(count / 4) * 4);
  for (let block = 0; block * 4 < count; block++) {
    const counter = [block, Math.floor(block / 2 ** 32), counter2, counter3] as const;
    write(philox4x32(counter, key0, key1), numbers, block * 4);
  }
  return numbers.subarray(0, count);
}

const sinCos = [0, 0];

/** Two words to two normals, written at `at` and `at + 1`. */
function boxMuller(word0: number, word1: number, target: Float32Array, at: number): void {
  const log = logSingle(Math.max(unitFloat(word0), EPSILON));
  const radius = Math.fround(Math.sqrt(Math.fround(-2 * log)));
  sinCosSingle(Math.fround(TWO_PI * unitFloat(word1)), sinCos);
  target[at] = sinCos[0] * radius;
  target[at + 1] = sinCos[1] * radius;
}

/** The low 23 bits as the fraction of a float32 in [0, 1). */
function unitFloat(word: number): number {
  return (word & 0x7fffff) / 2 ** 23;
}
