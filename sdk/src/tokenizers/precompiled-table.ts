/**
 * The table of a precompiled SentencePiece normaliser: a double-array trie from byte strings to positions in a text where
 * what they become lies, ended by a zero.
 *
 * Layout: the trie's size in bytes, the trie's units (all uint32, little endian), the text (UTF-8). Units are those of
 * darts-clone: bits 0 to 7 a label, bit 8 whether a value follows, the rest a distance; of a value, bits 0 to 30.
 */
export class PrecompiledTable {
  readonly #units: Uint32Array;
  readonly #text: Buffer;

  /** @throws When the trie does not fit the data. */
  constructor(data: Buffer) {
    const size = data.length < 4 ? -1 : data.readUInt32LE(0);
    if (size < 4 || size % 4 !== 0 || size + 4 > data.length) {
      throw new Error(
        `Cannot read a precompiled normalizer as its trie must lie in its ${data.length} bytes: current value is ${size} bytes`,
      );
    }
    this.#units = Uint32Array.from({ length: size / 4 }, (_, i) => data.readUInt32LE(4 + 4 * i));
    this.#text = data.subarray(4 + size);
  }

  /** What the shortest beginning of `key` that the table has becomes, or null. */
  find(key: string): string | null {
    let position = distance(this.#units[0]);
    for (const byte of Buffer.from(key)) {
      position ^= byte;
      const unit = this.#units[position];
      if (byte === 0 || unit === undefined || label(unit) !== byte) return null;
      position ^= distance(unit);
      if (hasValue(unit)) return this.#textAt(this.#units[position] & 0x7fffffff);
    }
    return null;
  }

  #textAt(start: number): string {
    const end = this.#text.indexOf(0, start);
    return this.#text.subarray(start, end === -1 ? undefined : end).toString();
  }
}

/** Of a value the highest bit is set, so that no byte equals its label. */
function label(unit: number): number {
  return (unit & 0x800000ff) >>> 0;
}

function hasValue(unit: number): boolean {
  return ((unit >>> 8) & 1) === 1;
}

function distance(unit: number): number {
  return (unit >>> 10) << ((unit & 0x200) >>> 6);
}
