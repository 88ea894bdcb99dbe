import fc from 'fast-check';
import { names } from './awkward';

/** A tensor as plain values, beside the bytes that a file holds of it. */
export interface PlainTensor {
  name: string;
  dtype: string;
  shape: number[];
  values: number[];
  bytes: Uint8Array;
}

const SIZES: Record<string, number> = {
  F32: 4,
  F16: 2,
  BF16: 2,
  F64: 8,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
};

/** One element's bytes as the number that a reader has to see, written anew from the formats' definitions. */
function valueAt(view: DataView, dtype: string, index: number): number {
  const at = index * SIZES[dtype];
  switch (dtype) {
    case 'F32':
      return view.getFloat32(at, true);
    case 'F64':
      return Math.fround(view.getFloat64(at, true));
    case 'I64':
      return Number(view.getBigInt64(at, true));
    case 'I32':
      return view.getInt32(at, true);
    case 'I16':
      return view.getInt16(at, true);
    case 'I8':
      return view.getInt8(at);
    case 'U8':
      return view.getUint8(at);
    case 'BOOL':
      return Number(view.getUint8(at) !== 0);
    case 'BF16': {
      const word = new DataView(new ArrayBuffer(4));
      word.setUint16(0, view.getUint16(at, true));
      return word.getFloat32(0);
    }
    default: {
      const word = view.getUint16(at, true);
      const sign = word & 0x8000 ? -1 : 1;
      const exponent = (word >> 10) & 31;
      const fraction = word & 1023;
      if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
      return exponent === 0
        ? sign * fraction * 2 ** -24
        : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
    }
  }
}

/** The values of a tensor's bytes. */
export function valuesOf(bytes: Uint8Array, dtype: string): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / SIZES[dtype] }, (_, index) =>
    valueAt(view, dtype, index),
  );
}

const shapes = fc.array(fc.nat(4), { maxLength: 4 });

/** Tensors of any type, shape (zeros too) and bits (NaN too), under awkward names. */
export const plainTensors: fc.Arbitrary<PlainTensor[]> = fc
  .uniqueArray(names, { maxLength: 4 })
  .filter((list) => !list.includes('__metadata__'))
  .chain((list) =>
    fc.tuple(
      ...list.map((name) =>
        fc.tuple(fc.constantFrom(...Object.keys(SIZES)), shapes).chain(([dtype, shape]) => {
          const length = shape.reduce((size, side) => size * side, SIZES[dtype]);
          return fc.uint8Array({ minLength: length, maxLength: length }).map((raw) => {
            const bytes = dtype === 'I64' ? smallWhole(raw) : raw;
            return { name, dtype, shape, bytes, values: valuesOf(bytes, dtype) };
          });
        }),
      ),
    ),
  );

/** Eight-byte numbers that fit into four. */
function smallWhole(raw: Uint8Array): Uint8Array {
  const view = new DataView(raw.slice().buffer);
  for (let at = 0; at < raw.length; at += 8)
    view.setBigInt64(at, BigInt(view.getInt32(at, true)), true);
  return new Uint8Array(view.buffer);
}

/** One entry of a header, as text: JSON.stringify would lose some names. */
export const entryText = (name: string, info: unknown) =>
  `${JSON.stringify(name)}:${JSON.stringify(info)}`;

/** A file of a header's text and data. */
export function fileOf(header: string | Uint8Array, data: Uint8Array, length?: bigint): Uint8Array {
  const text = Buffer.from(header as string);
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(length ?? BigInt(text.length));
  return Buffer.concat([size, text, data]);
}

/** The file that holds tensors one after the other. */
export function writeFile(tensors: readonly PlainTensor[]): Uint8Array {
  let end = 0;
  const entries = tensors.map(({ name, dtype, shape, bytes }) =>
    entryText(name, { dtype, shape, data_offsets: [end, (end += bytes.length)] }),
  );
  return fileOf(`{${entries.join(',')}}`, Buffer.concat(tensors.map(({ bytes }) => bytes)));
}

/** Reads a file that breaks no rule, without checking any. */
export function readFile(file: Uint8Array): Map<string, Omit<PlainTensor, 'name'>> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const start = 8 + Number(view.getBigUint64(0, true));
  const header = JSON.parse(Buffer.from(file.subarray(8, start)).toString()) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const tensors = new Map<string, Omit<PlainTensor, 'name'>>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const { dtype, shape, data_offsets: at } = entry;
    const bytes = Uint8Array.from(file.subarray(start + at[0], start + at[1]));
    tensors.set(name, {
      dtype,
      shape,
      bytes,
      values: dtype in SIZES ? valuesOf(bytes, dtype) : [],
    });
  }
  return tensors;
}
