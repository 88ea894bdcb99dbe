import { showValue } from '../core/show-value';

/** Element types a safetensors file can name. */
export const DTYPES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  C64: 8,
  F64: 8,
  I64: 8,
  U64: 8,
} as const;

/** The name of an element type, as the file spells it. */
export type SafetensorsDtype = keyof typeof DTYPES;

/** One tensor of a file. */
export interface SafetensorsInfo {
  dtype: SafetensorsDtype;
  shape: number[];
  /** Size of the data, in bytes. */
  byteLength: number;
  /** Where the data starts, in bytes from the start of the data section. */
  offset: number;
}

/** What a file's header says. */
export interface SafetensorsHeader {
  metadata: Record<string, string>;
  tensors: Map<string, SafetensorsInfo>;
}

/** The reference library refuses longer headers, so that a hostile file cannot ask for gigabytes. */
export const MAX_HEADER_BYTES = 100_000_000;

/**
 * Parses and checks the JSON header of a safetensors file by the reference library's rules: strings only in
 * `__metadata__`, known element types, data ranges that cover the data section without holes or overlaps, sizes
 * that follow from shapes. Duplicate keys are refused as well.
 *
 * @param bytes The header without its eight-byte length.
 * @param dataBytes Length of the data section, in bytes.
 * @param path The file's name, for messages.
 */
export function parseSafetensorsHeader(
  bytes: Uint8Array,
  dataBytes: number,
  path: string,
): SafetensorsHeader {
  const text = decode(bytes, path);
  const json = parseJson(text, path);
  const metadata = readMetadata(json.__metadata__, path);
  const tensors = new Map<string, SafetensorsInfo>();
  for (const [name, entry] of Object.entries(json)) {
    if (name !== '__metadata__') tensors.set(name, readInfo(name, entry, path));
  }
  checkCoverage(tensors, dataBytes, path);
  return { metadata, tensors };
}

/**
 * Length of a file's header, in bytes.
 *
 * @param start The file's first eight bytes, or more.
 * @param fileBytes Length of the file.
 * @throws When the file is too short for it or the header longer than it may be.
 */
export function headerLength(start: Uint8Array, fileBytes: number, path: string): number {
  if (fileBytes < 8) throw invalidFile(path, 'it must hold at least 8 bytes', fileBytes);
  const length = Buffer.from(start.buffer, start.byteOffset, 8).readBigUInt64LE();
  if (length > MAX_HEADER_BYTES) {
    throw invalidFile(path, `its header must have at most ${MAX_HEADER_BYTES} bytes`, length);
  }
  if (Number(length) > fileBytes - 8) {
    const rule = `its header must end inside the file, which has ${fileBytes} bytes`;
    throw invalidFile(path, rule, 8 + Number(length));
  }
  return Number(length);
}

/** Makes the error of a file that breaks a rule. */
export function invalidFile(path: string, rule: string, value: unknown): Error {
  return new Error(`Cannot read safetensors file "${path}" as ${rule}: current value is ${value}`);
}

function decode(bytes: Uint8Array, path: string): string {
  if (bytes[0] !== 0x7b) {
    const found = bytes.length === 0 ? 'nothing' : `byte ${bytes[0]}`;
    throw invalidFile(path, 'its header must start with "{"', found);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw invalidFile(path, 'its header must be UTF-8', 'other bytes');
  }
}

function parseJson(text: string, path: string): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw invalidFile(path, 'its header must be JSON', (error as Error).message);
  }
  const duplicate = findDuplicateKey(text);
  if (duplicate !== null) {
    throw invalidFile(path, 'a key of its header must occur once', `${duplicate} twice`);
  }
  return json as Record<string, unknown>;
}

/** JSON.parse keeps the last of two equal keys in silence, so keys are looked at once more in the text. */
function findDuplicateKey(text: string): string | null {
  const keysByDepth: Set<string>[] = [];
  const token = /"(?:[^"\\]+|\\.)*"(\s*:)?|[{}]/gs;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    if (match[0] === '{') keysByDepth.push(new Set());
    else if (match[0] === '}') keysByDepth.pop();
    else if (match[1] !== undefined) {
      const key = JSON.parse(match[0].slice(0, -match[1].length)) as string;
      const keys = keysByDepth[keysByDepth.length - 1];
      if (keys.has(key)) return showValue(key);
      keys.add(key);
    }
  }
  return null;
}

function readMetadata(value: unknown, path: string): Record<string, string> {
  if (value === undefined || value === null) return {};
  const isStrings =
    typeof value === 'object' &&
    !Array.isArray(value) &&
    Object.values(value).every((entry) => typeof entry === 'string');
  if (!isStrings) {
    throw invalidFile(path, '"__metadata__" must map names to strings', showValue(value));
  }
  return { ...(value as Record<string, string>) };
}

function readInfo(name: string, entry: unknown, path: string): SafetensorsInfo {
  const show = showValue(name);
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    throw invalidFile(path, `tensor ${show} must be described by an object`, showValue(entry));
  }
  const { dtype, shape, data_offsets: offsets } = entry as Record<string, unknown>;
  if (typeof dtype !== 'string' || !Object.hasOwn(DTYPES, dtype)) {
    const known = Object.keys(DTYPES).join(', ');
    throw invalidFile(
      path,
      `the dtype of tensor ${show} must be one of ${known}`,
      showValue(dtype),
    );
  }
  if (!isCounts(shape)) {
    const rule = `the shape of tensor ${show} must hold whole numbers from 0`;
    throw invalidFile(path, rule, showValue(shape));
  }
  if (!isCounts(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
    const rule = `data_offsets of tensor ${show} must be [start, end] with start <= end`;
    throw invalidFile(path, rule, showValue(offsets));
  }
  const byteLength = offsets[1] - offsets[0];
  const expected = shape.reduce((size, length) => size * length, DTYPES[dtype as SafetensorsDtype]);
  if (byteLength !== expected) {
    const rule = `tensor ${show} of dtype ${dtype} and shape [${shape}] must take ${expected} bytes`;
    throw invalidFile(path, rule, byteLength);
  }
  return { dtype: dtype as SafetensorsDtype, shape, byteLength, offset: offsets[0] };
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((entry) => Number.isSafeInteger(entry) && entry >= 0);
}

function checkCoverage(
  tensors: Map<string, SafetensorsInfo>,
  dataBytes: number,
  path: string,
): void {
  const sorted = [...tensors].sort(
    ([, a], [, b]) => a.offset - b.offset || a.byteLength - b.byteLength,
  );
  let end = 0;
  for (const [name, { offset, byteLength }] of sorted) {
    if (offset !== end) {
      const rule = `the data of tensor ${showValue(name)} must start where the one before ends, at ${end}`;
      throw invalidFile(path, rule, offset);
    }
    end += byteLength;
  }
  if (end !== dataBytes) {
    throw invalidFile(path, `its data section must hold ${end} bytes`, dataBytes);
  }
}
