import { checkOptions, oneOf, record, type Rules } from '../core/option-rules';
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

const RULES: Rules<WriteSafetensorsOptions> = {
  metadata: record({}),
  dtype: oneOf('F32', 'F16', 'BF16'),
};

/** A tensor as a file holds it; its bytes are asked for once, when they are written. */
export interface EncodedTensor {
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  /** Little-endian values. */
  bytes(): Uint8Array;
}

/** The reference library sorts by element type, the widest first, then by name. */
const ORDER = (Object.keys(DTYPES) as SafetensorsDtype[]).reverse();

interface Entry extends EncodedTensor {
  readonly name: string;
}

/**
 * Writes tensors to a safetensors file, atomically, with the layout of the reference library: the same tensors give
 * the same bytes there and here.
 *
 * @param tensors Names to float32, int32 or bool tensors of any shape; they stay as they are.
 * @throws When there is no such option or one breaks its rule, or a tensor has another type.
 *
 * @example
 * writeSafetensors('weights.safetensors', { bias: tf.zeros([4]) });
 */
export function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, tf.Tensor> | Record<string, tf.Tensor>,
  options: WriteSafetensorsOptions = {},
): void {
  checkOptions(`write safetensors file "${path}"`, options, RULES);
  const { metadata = { format: 'pt' }, dtype = 'F32' } = options;
  const pairs: [string, tf.Tensor][] =
    tensors instanceof Map ? [...tensors] : Object.entries(tensors);
  const what = (name: string) => `safetensors file "${path}" as tensor "${name}"`;
  writeEncoded(
    path,
    pairs.map(([name, tensor]) => [name, encodeTensor(tensor, dtype, what(name))]),
    metadata,
  );
}

/** Writes tensors that are encoded already; see `writeSafetensors`. */
export function writeEncoded(
  path: string,
  tensors: Iterable<readonly [string, EncodedTensor]>,
  metadata: Record<string, string> = { format: 'pt' },
): void {
  const entries = sorted(tensors);
  const header = makeHeader(entries, metadata);
  if (header.length > MAX_HEADER_BYTES) {
    throw new Error(
      `Cannot write safetensors file "${path}" as its header must have at most ${MAX_HEADER_BYTES} bytes: current value is ${header.length}`,
    );
  }
  writeAtomically(path, (append) => {
    append(lengthOf(header));
    append(header);
    for (const entry of entries) append(entry.bytes());
  });
}

/** Tensors that are encoded already as the bytes of a file; see `writeSafetensors`. */
export function encodeSafetensors(
  tensors: Iterable<readonly [string, EncodedTensor]>,
  metadata: Record<string, string>,
): Uint8Array {
  const entries = sorted(tensors);
  const header = makeHeader(entries, metadata);
  return Buffer.concat([lengthOf(header), header, ...entries.map((entry) => entry.bytes())]);
}

function sorted(tensors: Iterable<readonly [string, EncodedTensor]>): Entry[] {
  return [...tensors].map(([name, tensor]): Entry => ({ name, ...tensor })).sort(compare);
}

function lengthOf(header: Uint8Array): Uint8Array {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return length;
}

/**
 * A tensor as a file holds it; float32 is rounded to `float`.
 *
 * @param what What is written, for the message.
 * @throws When the tensor is not float32, int32 or bool.
 */
export function encodeTensor(tensor: tf.Tensor, float: FloatDtype, what: string): EncodedTensor {
  const types: Record<string, SafetensorsDtype> = { float32: float, int32: 'I32', bool: 'BOOL' };
  const dtype = types[tensor.dtype];
  if (dtype === undefined) {
    throw new Error(
      `Cannot write ${what} must be float32, int32 or bool: current value is ${tensor.dtype}`,
    );
  }
  return { dtype, shape: tensor.shape, bytes: () => bytesOf(tensor, dtype) };
}

/** Bytes that the data of a tensor takes. */
export function byteLength({ dtype, shape }: Pick<EncodedTensor, 'dtype' | 'shape'>): number {
  return shape.reduce((size, length) => size * length, DTYPES[dtype]);
}

function compare(a: Entry, b: Entry): number {
  const byType = ORDER.indexOf(a.dtype) - ORDER.indexOf(b.dtype);
  return byType !== 0 ? byType : Buffer.compare(Buffer.from(a.name), Buffer.from(b.name));
}

function makeHeader(entries: readonly Entry[], metadata: Record<string, string>): Uint8Array {
  let end = 0;
  // Built by hand: an object would move names that look like numbers to the front.
  const fields = entries.map((entry) => {
    const { name, dtype, shape } = entry;
    const info = { dtype, shape, data_offsets: [end, (end += byteLength(entry))] };
    return `${JSON.stringify(name)}:${JSON.stringify(info)}`;
  });
  if (Object.keys(metadata).length > 0) {
    fields.unshift(`"__metadata__":${JSON.stringify(metadata)}`);
  }
  const text = Buffer.from(`{${fields.join(',')}}`);
  return Buffer.concat([text, Buffer.alloc((8 - (text.length % 8)) % 8, ' ')]);
}

function bytesOf(tensor: tf.Tensor, dtype: SafetensorsDtype): Uint8Array {
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
