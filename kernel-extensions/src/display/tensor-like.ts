import { inWords, refuse } from './refuse';

/** What a display needs of a tensor; tfjs's tensors and variables have it. */
export interface TensorLike {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly isDisposed?: boolean;
  /** All values, row by row. */
  dataSync(): ArrayLike<number> | ArrayLike<string>;
}

/** Whether a value has a tensor's shape, dtype and data. */
export function isTensorLike(value: unknown): value is TensorLike {
  if (typeof value !== 'object' || value === null) return false;
  const { shape, dtype, dataSync } = value as Partial<TensorLike>;
  return Array.isArray(shape) && typeof dtype === 'string' && typeof dataSync === 'function';
}

/** A tensor in one line: `float32 (2, 16, 64)`. */
export function describeTensor({ dtype, shape, isDisposed }: TensorLike): string {
  const comma = shape.length === 1 ? ',' : '';
  return `${dtype} (${shape.join(', ')}${comma})${isDisposed ? ' disposed' : ''}`;
}

/** A tensor's numbers (booleans as 0 and 1). */
export function readNumbers(tensor: TensorLike): ArrayLike<number> {
  if (!isTensorLike(tensor)) {
    refuse('draw a tensor', 'it must have shape, dtype and dataSync()', inWords(tensor));
  }
  if (tensor.isDisposed)
    throw new Error('Cannot draw a tensor as its memory must be alive: it was disposed');
  if (tensor.dtype === 'string') refuse('draw a tensor', 'dtype must be numeric', 'string');
  return tensor.dataSync() as ArrayLike<number>;
}
