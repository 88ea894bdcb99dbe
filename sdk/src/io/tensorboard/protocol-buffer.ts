/** A field of a protocol buffer: its number and its bytes. https://protobuf.dev/programming-guides/encoding */
export type EncodedField = Uint8Array;

const WIRE = { varint: 0, fixed64: 1, length: 2, fixed32: 5 };

/** A whole number from 0 to 2^53 in groups of 7 bits, the lowest first. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}

const tag = (field: number, wire: number) => varint(field * 8 + wire);

/** A field of type int32, int64 or an enum, at least 0. */
export function integerField(field: number, value: number): EncodedField {
  return Buffer.concat([tag(field, WIRE.varint), varint(value)]);
}

export function doubleField(field: number, value: number): EncodedField {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([tag(field, WIRE.fixed64), bytes]);
}

export function floatField(field: number, value: number): EncodedField {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([tag(field, WIRE.fixed32), bytes]);
}

/** A field of type string or bytes. */
export function bytesField(field: number, value: string | Uint8Array): EncodedField {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([tag(field, WIRE.length), varint(bytes.length), bytes]);
}

/** A message as a field of another one. */
export function messageField(field: number, fields: readonly EncodedField[]): EncodedField {
  return bytesField(field, Buffer.concat(fields));
}
