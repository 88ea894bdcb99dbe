/** Bytes in a unit of `maxShardSize`. */
const UNITS: Readonly<Record<string, number>> = { KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };

/**
 * Bytes of a size such as `'10GB'`, `'200MB'` or a number of bytes.
 *
 * @throws When the size is no positive number, or its unit is none of KB, MB, GB, TB.
 */
export function parseByteSize(size: number | string): number {
  const match = /^\s*([\d.]+)\s*([kmgt]b)\s*$/i.exec(String(size));
  const bytes = match === null ? Number(size) : Number(match[1]) * UNITS[match[2].toUpperCase()];
  if (!(bytes > 0)) {
    throw new Error(
      `Cannot write shards as maxShardSize must be bytes, or a text such as "10GB" with KB, MB, GB or TB: current value is ${JSON.stringify(size)}`,
    );
  }
  return Math.floor(bytes);
}

/**
 * Distributes tensors over files by the rule of huggingface_hub: in order, a new file when the next tensor does not fit; a
 * tensor that is larger than a file gets one of its own, and what comes after it goes on filling the file before it.
 *
 * @param sizes Name and bytes of each tensor.
 * @returns The names in each file.
 */
export function planShards(
  sizes: Iterable<readonly [name: string, bytes: number]>,
  maxBytes: number,
): string[][] {
  const shards: string[][] = [];
  let current: string[] = [];
  let filled = 0;
  for (const [name, bytes] of sizes) {
    if (bytes > maxBytes) {
      shards.push([name]);
      continue;
    }
    if (filled + bytes > maxBytes) {
      shards.push(current);
      current = [];
      filled = 0;
    }
    current.push(name);
    filled += bytes;
  }
  if (current.length > 0 || shards.length === 0) shards.push(current);
  return shards;
}
