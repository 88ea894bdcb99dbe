/** TensorFlow counts what a shape holds in 32 bits. */
const MOST_NUMBERS = 2 ** 31;

/**
 * How many numbers a shape holds.
 *
 * @throws When lengths are no whole numbers from 0, or it holds 2^31 and more: the native library would end the process.
 */
export function noiseSize(shape: readonly number[]): number {
  const size = shape.reduce((product, length) => product * length, 1);
  const isLength = (length: number) => Number.isInteger(length) && length >= 0;
  if (!shape.every((length) => isLength(length) && length < MOST_NUMBERS) || size >= MOST_NUMBERS) {
    throw new Error(
      `Cannot draw noise as its shape must be whole numbers from 0 that hold less than 2^31 numbers: current value is [${shape.join(', ')}]`,
    );
  }
  return size;
}
