import { showValue } from '../core/show-value';
import type { HoldFloats } from '../io/hold-floats';
import { isBfloat16, type tf } from '../tensorflow';

/**
 * What a model computes its products in. With `bfloat16` matrices are held in it, at half the memory, and what they are
 * multiplied by is rounded to it. All else is float32: norms, softmax, modulations, adapters, and what goes in and comes out.
 */
export type ModelDtype = 'float32' | 'bfloat16';

const MODEL_DTYPES: readonly ModelDtype[] = ['float32', 'bfloat16'];

/**
 * How a model of this type holds its weights: of bfloat16 matrices at 16 bits; the rest, vectors and kernels, rounded alike.
 *
 * @param action For the message, such as `load T5EncoderModel`.
 * @param dtypes Those that the model has.
 * @throws When it has no such type.
 */
export function holdingOf(
  dtype: ModelDtype,
  action: string,
  dtypes: readonly ModelDtype[] = MODEL_DTYPES,
): HoldFloats {
  if (!dtypes.includes(dtype)) {
    throw new Error(
      `Cannot ${action} as dtype must be ${dtypes.join(' or ')}: current value is ${showValue(dtype)}`,
    );
  }
  if (dtype === 'float32') return () => 'float32';
  return (shape) => (isHalved(shape) ? 'bfloat16' : 'rounded');
}

/** Whether a weight of this shape takes half the memory in bfloat16. */
export function isHalved(shape: readonly number[]): boolean {
  return shape.length === 2;
}

/** The type of a model with these weights. */
export function typeOfTensors(tensors: Iterable<tf.Tensor>): ModelDtype {
  return [...tensors].some(isBfloat16) ? 'bfloat16' : 'float32';
}
