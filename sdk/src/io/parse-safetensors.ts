import { headerLength, parseSafetensorsHeader, type SafetensorsInfo } from './safetensors-header';

/** A tensor as bytes, little-endian. */
export interface ParsedTensor extends Pick<SafetensorsInfo, 'dtype' | 'shape'> {
  data: Uint8Array;
}

/**
 * Takes a safetensors file that is in memory apart.
 *
 * @param name What it is, for messages.
 * @returns Tensors by name; their data are views of `bytes`.
 * @throws When it breaks a rule of the format.
 */
export function parseSafetensors(bytes: Uint8Array, name: string): Map<string, ParsedTensor> {
  const begin = 8 + headerLength(bytes, bytes.length, name);
  const { tensors } = parseSafetensorsHeader(bytes.subarray(8, begin), bytes.length - begin, name);
  return new Map(
    [...tensors].map(([key, { dtype, shape, offset, byteLength }]) => [
      key,
      { dtype, shape, data: bytes.subarray(begin + offset, begin + offset + byteLength) },
    ]),
  );
}
