import { tf } from '../../tensorflow';
import type { MicroBatch } from '../model-mixin';

/** A tensor of a batch, or null. */
export function findTensor(microBatch: MicroBatch, key: string): tf.Tensor | null {
  const value = microBatch[key];
  return value instanceof tf.Tensor ? value : null;
}

/** A tensor that a batch must hold. Throws with the names of what it holds. */
export function requireTensor(microBatch: MicroBatch, key: string): tf.Tensor {
  const tensor = findTensor(microBatch, key);
  if (tensor === null) {
    const present = Object.keys(microBatch).join(', ') || 'none';
    throw new Error(
      `Cannot prepare model inputs as the batch must hold "${key}": present are ${present}`,
    );
  }
  return tensor;
}
