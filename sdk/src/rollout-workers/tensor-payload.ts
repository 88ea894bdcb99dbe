import { tensorFromBytes } from '../io/tensor-from-bytes';
import { parseSafetensors } from '../io/parse-safetensors';
import { encodeSafetensors, encodeTensor, type EncodedTensor } from '../io/write-safetensors';
import type { tf } from '../tensorflow';

/** Tensors by name as a safetensors file's bytes, every bit kept. The tensors stay as they are. */
export function encodePayload(
  tensors: Iterable<readonly [string, tf.Tensor]>,
  others: Iterable<readonly [string, EncodedTensor]> = [],
): Uint8Array {
  const encoded = [...tensors].map(
    ([name, tensor]) => [name, encodeTensor(tensor, 'F32', `tensor "${name}"`)] as const,
  );
  return encodeSafetensors([...encoded, ...others], {});
}

/** What `encodePayload` made, as tensors of the caller's, and bytes for what is U8. */
export function decodePayload(payload: Uint8Array): {
  tensors: Map<string, tf.Tensor>;
  bytes: Map<string, { shape: readonly number[]; data: Uint8Array }>;
} {
  const tensors = new Map<string, tf.Tensor>();
  const bytes = new Map<string, { shape: readonly number[]; data: Uint8Array }>();
  for (const [name, { dtype, shape, data }] of parseSafetensors(payload, 'a frame')) {
    // A copy: a tensor's memory is its own, and aligned.
    const own = Uint8Array.from(data);
    if (dtype === 'U8') bytes.set(name, { shape, data: own });
    else tensors.set(name, tensorFromBytes(own, dtype, [...shape], `tensor "${name}"`));
  }
  return { tensors, bytes };
}
