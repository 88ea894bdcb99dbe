import assert from 'node:assert/strict';

/** A number or a picture by name. */
export interface EventValue {
  tag: string;
  scalar?: number;
  image?: { height: number; width: number; colorspace: number; png: Buffer };
}

/** An event of TensorBoard, as far as it is written here. */
export interface ReadEvent {
  wallTime: number;
  step: number;
  fileVersion?: string;
  sessionStatus?: number;
  values: EventValue[];
}

/** CRC-32C bit by bit, masked: written again, so that a mistake of the writer's is not made twice. */
function maskedChecksum(bytes: Buffer): number {
  let remainder = 0xffffffffn;
  for (const byte of bytes) {
    remainder ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) {
      remainder = remainder & 1n ? (remainder >> 1n) ^ 0x82f63b78n : remainder >> 1n;
    }
  }
  const sum = remainder ^ 0xffffffffn;
  return Number((((sum >> 15n) | (sum << 17n)) + 0xa282ead8n) & 0xffffffffn);
}

/** Fields of a protocol buffer by number, in order; numbers of varints, bytes of the others. */
function fieldsOf(bytes: Buffer): [field: number, value: number | Buffer][] {
  const fields: [number, number | Buffer][] = [];
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return Number(value);
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const wire = key & 7;
    if (wire === 0) fields.push([key >> 3, varint()]);
    else {
      const length = wire === 1 ? 8 : wire === 5 ? 4 : varint();
      fields.push([key >> 3, bytes.subarray(at, (at += length))]);
    }
  }
  assert.equal(at, bytes.length);
  return fields;
}

function valueOf(bytes: Buffer): EventValue {
  const fields = new Map(fieldsOf(bytes));
  const scalar = fields.get(2) as Buffer | undefined;
  const image = fields.get(4) as Buffer | undefined;
  const parts = new Map(image && fieldsOf(image));
  return {
    tag: String(fields.get(1)),
    ...(scalar && { scalar: scalar.readFloatLE() }),
    ...(image && {
      image: {
        height: parts.get(1) as number,
        width: parts.get(2) as number,
        colorspace: parts.get(3) as number,
        png: Buffer.from(parts.get(4) as Buffer),
      },
    }),
  };
}

/** Reads a file of TFRecords with events, and checks its checksums. */
export function readEvents(file: Buffer): ReadEvent[] {
  const events: ReadEvent[] = [];
  for (let at = 0; at < file.length;) {
    const length = Number(file.readBigUInt64LE(at));
    const data = file.subarray(at + 12, at + 12 + length);
    assert.equal(file.readUInt32LE(at + 8), maskedChecksum(file.subarray(at, at + 8)));
    assert.equal(file.readUInt32LE(at + 12 + length), maskedChecksum(data));
    at += 16 + length;
    const fields = new Map(fieldsOf(data));
    const [version, summary, session] = [3, 5, 7].map(
      (field) => fields.get(field) as Buffer | undefined,
    );
    events.push({
      wallTime: (fields.get(1) as Buffer).readDoubleLE(),
      step: (fields.get(2) as number | undefined) ?? 0,
      ...(version && { fileVersion: String(version) }),
      ...(session && { sessionStatus: fieldsOf(session)[0][1] as number }),
      values: summary ? fieldsOf(summary).map(([, value]) => valueOf(value as Buffer)) : [],
    });
  }
  return events;
}
