import type { tf } from '../tensorflow';

/** Throws when an input of a model has not the expected shape. */
export function checkInputShape(
  className: string,
  name: string,
  tensor: tf.Tensor,
  expected: readonly number[],
): void {
  if (String(tensor.shape) !== String(expected)) {
    throw invalidInput(className, name, `of shape [${expected}]`, `[${tensor.shape}]`);
  }
}

/** The error for an input that cannot be. */
export function invalidInput(className: string, what: string, rule: string, value: unknown): Error {
  return new Error(`Cannot run ${className} as ${what} must be ${rule}: current value is ${value}`);
}
