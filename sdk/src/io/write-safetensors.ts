import type { tf } from '../tensorflow';
import { float32ToBfloat16, float32ToFloat16 } from './half-precision';
import { DTYPES, MAX_HEADER_BYTES, type SafetensorsDtype } from './safetensors-header';
import { writeAtomically } from './write-atomically';

/** How float32 tensors are stored. */
export type FloatDtype = 'F32' | 'F16' | 'BF16';

/** Options of `writeSafetensors`. */
export interface WriteSafetensorsOptions {
  /** The file's `__metadata__`. Default `{format: 'pt'}`, which transformers and diffusers expect. */
  metadata?: Record<string, string>;
  /** How float32 tensors are stored. Default F32. int32 is stored as I32, bool as BOOL. */
  dtype?: FloatDtype;
}

/** The reference library sorts by alignment, largest first, in this order, then by name. */
const ORDER: readonly SafetensorsDtype[] = ['F32', 'I32', 'BF16', 'F16', 'BOOL'];

interface Entry {
  name: string;
  tensor: tf.Tensor;
  dtype: SafetensorsDtype;
  byteLength: number;
}

/**
 * Writes tensors to a safetensors file, atomically, with the layout of the reference library: the same tensors give
 * the same bytes there and here.
 *
 * @param tensors Names to float32, int32 or bool tensors; they stay as they are.
 * @throws When a tensor has another type.
 * @example
 * writeSafetensors('weights.safetensors', { bias: tf.zeros([4]) });
 */
export function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, tf.Tensor> | Record<string, tf.Tensor>,
  { metadata = { format: 'pt' }, dtype = 'F32' }: WriteSafetensorsOptions = {},
): void {
  const pairs = tensors instanceof Map ? [...tensors] : Object.entries(tensors);
  const entries = pairs
    .map(([name, tensor]) => describe(path, name, tensor as tf.Tensor, dtype))
    .sort((a, b) => compare(a, b));
  const header = makeHeader(entries, metadata);
  if (header.length > MAX_HEADER_BYTES) {
    throw new Error(
      `Cannot write safetensors file "${path}" as its header must have at most ${MAX_HEADER_BYTES} bytes: current value is ${header.length}`,
    );
  }
  writeAtomically(path, (append) => {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    append(length);
    append(header);
    for (const entry of entries) append(bytesOf(entry));
  });
}

function describe(path: string, name: string, tensor: tf.Tensor, float: FloatDtype): Entry {
  const types: Record<string, SafetensorsDtype> = { float32: float, int32: 'I32', bool: 'BOOL' };
  const dtype = types[tensor.dtype];
  if (dtype === undefined) {
    throw new Error(
      `Cannot write safetensors file "${path}" as tensor "${name}" must be float32, int32 or bool: current value is ${tensor.dtype}`,
    );
  }
  return { name, tensor, dtype, byteLength: tensor.size * DTYPES[dtype] };
}

function compare(a: Entry, b: Entry): number {
  const byType = ORDER.indexOf(a.dtype) - ORDER.indexOf(b.dtype);
  return byType !== 0 ? byType : Buffer.compare(Buffer.from(a.name), Buffer.from(b.name));
}

function makeHeader(entries: readonly Entry[], metadata: Record<string, string>): Uint8Array {
  let end = 0;
  // Built by hand: an object would move names that look like numbers to the front.
  const fields = entries.map(({ name, tensor, dtype, byteLength }) => {
    const info = { dtype, shape: tensor.shape, data_offsets: [end, (end += byteLength)] };
    return `${JSON.stringify(name)}:${JSON.stringify(info)}`;
  });
  if (Object.keys(metadata).length > 0) {
    fields.unshift(`"__metadata__":${JSON.stringify(metadata)}`);
  }
  const text = Buffer.from(`{${fields.join(',')}}`);
  return Buffer.concat([text, Buffer.alloc((8 - (text.length % 8)) % 8, ' ')]);
}

function bytesOf({ tensor, dtype }: Entry): Uint8Array {
  const values = tensor.dataSync();
  if (dtype === 'BOOL') return Uint8Array.from(values);
  const stored =
    dtype === 'BF16'
      ? float32ToBfloat16(values as Float32Array)
      : dtype === 'F16'
        ? float32ToFloat16(values as Float32Array)
        : values;
  return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
}
