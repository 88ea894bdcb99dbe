import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, mkdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw } from 'node:zlib';

/** SHA-256 of a file, as hexadecimal digits. */
export async function sha256(file) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}

/** The entries of a zip file (a wheel is one), from its central directory: `{name, method, packed, size, offset}`. */
export async function wheelEntries(file) {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const tail = Buffer.alloc(Math.min(size, 65_557));
    await handle.read(tail, 0, tail.length, size - tail.length);
    const end = tail.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
    if (end < 0) throw new Error(`Cannot read the wheel as it is no zip file: ${file}`);
    const directory = Buffer.alloc(tail.readUInt32LE(end + 12));
    await handle.read(directory, 0, directory.length, tail.readUInt32LE(end + 16));
    const entries = [];
    for (let at = 0; at + 46 <= directory.length;) {
      const nameLength = directory.readUInt16LE(at + 28);
      entries.push({
        name: directory.toString('utf8', at + 46, at + 46 + nameLength),
        method: directory.readUInt16LE(at + 10),
        packed: directory.readUInt32LE(at + 20),
        size: directory.readUInt32LE(at + 24),
        offset: directory.readUInt32LE(at + 42),
      });
      at += 46 + nameLength + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
    }
    return entries;
  } finally {
    await handle.close();
  }
}

/**
 * Unpacks entries of a wheel.
 *
 * @param targetOf gives an entry's path inside `folder`, or null to leave the entry out
 * @param onProgress called with the fraction done, 0 to 1
 * @returns the number of files written
 */
export async function unpackWheel(file, folder, targetOf, onProgress = () => {}) {
  const wanted = (await wheelEntries(file))
    .map((entry) => ({ ...entry, target: entry.name.endsWith('/') ? null : targetOf(entry.name) }))
    .filter((entry) => entry.target !== null);
  const total = wanted.reduce((sum, entry) => sum + entry.size, 0);
  let done = 0;
  const handle = await open(file);
  try {
    for (const entry of wanted) {
      const header = Buffer.alloc(30);
      await handle.read(header, 0, 30, entry.offset);
      const start = entry.offset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
      const target = join(folder, entry.target);
      mkdirSync(dirname(target), { recursive: true });
      if (entry.packed === 0) {
        createWriteStream(target).end();
        continue;
      }
      const packed = createReadStream(file, {
        start,
        end: start + entry.packed - 1,
        highWaterMark: 1 << 20,
      });
      const count = async function* (chunks) {
        for await (const chunk of chunks) {
          done += chunk.length;
          onProgress(done / total);
          yield chunk;
        }
      };
      const steps = entry.method === 8 ? [createInflateRaw({ chunkSize: 1 << 20 })] : [];
      await pipeline(packed, ...steps, count, createWriteStream(target));
    }
  } finally {
    await handle.close();
  }
  return wanted.length;
}
