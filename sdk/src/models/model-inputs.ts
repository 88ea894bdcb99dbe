import type { tf } from '../tensorflow';

/** Throws when an input of a model has none of the expected shapes. */
export function checkInputShape(
  className: string,
  name: string,
  tensor: tf.Tensor,
  ...expected: readonly (readonly number[])[]
): void {
  if (!expected.some((shape) => String(tensor.shape) === String(shape))) {
    const shapes = [...new Set(expected.map((shape) => `[${shape}]`))].join(' or ');
    throw invalidInput(className, name, `of shape ${shapes}`, `[${tensor.shape}]`);
  }
}

/** Throws when something is given that a model has no use for. */
export function checkInputNames(className: string, inputs: object, known: readonly string[]): void {
  const isGiven = (value: unknown) => value !== null && value !== undefined;
  for (const [name, value] of Object.entries(inputs)) {
    if (!known.includes(name) && isGiven(value)) {
      throw invalidInput(className, 'every input', `one of ${known.join(', ')}`, name);
    }
  }
}

/** The error for an input that cannot be. */
export function invalidInput(className: string, what: string, rule: string, value: unknown): Error {
  return new Error(`Cannot run ${className} as ${what} must be ${rule}: current value is ${value}`);
}
