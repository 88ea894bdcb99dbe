import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, mkdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw } from 'node:zlib';

/** SHA-256 of a file, as hexadecimal digits. */
export async function sha256(file) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}

/** Of a zip file: what ends it, an entry of its directory, and what stands before an entry's bytes, without names. */
const [END_BYTES, ENTRY_BYTES, HEADER_BYTES] = [22, 46, 30];

/** The entries of a zip file (a wheel is one), from its central directory: `{name, method, packed, size, offset}`. */
async function wheelEntries(file) {
  const fail = (rule) => {
    throw new Error(`Cannot read the wheel as it ${rule}: ${file}`);
  };
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const tail = Buffer.alloc(Math.min(size, 65_535 + END_BYTES));
    await handle.read(tail, 0, tail.length, size - tail.length);
    const end = tail.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
    if (end < 0 || end + END_BYTES > tail.length) fail('is no zip file');
    const [length, start] = [tail.readUInt32LE(end + 12), tail.readUInt32LE(end + 16)];
    if (start + length > size) fail('must hold the whole of its list of files');
    const directory = Buffer.alloc(length);
    await handle.read(directory, 0, length, start);
    const entries = [];
    for (let at = 0; at + ENTRY_BYTES <= length;) {
      const nameLength = directory.readUInt16LE(at + 28);
      const entry = {
        name: directory.toString('utf8', at + ENTRY_BYTES, at + ENTRY_BYTES + nameLength),
        method: directory.readUInt16LE(at + 10),
        packed: directory.readUInt32LE(at + 20),
        size: directory.readUInt32LE(at + 24),
        offset: directory.readUInt32LE(at + 42),
      };
      if (entry.offset + HEADER_BYTES + entry.packed > size) fail('must hold all of its files');
      entries.push(entry);
      at +=
        ENTRY_BYTES +
        nameLength +
        directory.readUInt16LE(at + 30) +
        directory.readUInt16LE(at + 32);
    }
    return entries;
  } finally {
    await handle.close();
  }
}

/** Where an entry goes; names come from the file, and must not lead out of the folder. */
function placeOf(folder, target) {
  const place = join(folder, target);
  if (place.startsWith(join(folder, sep)) && !target.includes('\0')) return place;
  throw new Error(
    `Cannot unpack the wheel as its files must lie inside of it: current value is ${JSON.stringify(target)}`,
  );
}

/**
 * Unpacks entries of a wheel.
 *
 * @param targetOf gives an entry's path inside `folder`, or null to leave the entry out
 * @param onProgress called with the fraction done, 0 to 1
 * @returns the number of files written
 * @throws When the file is damaged, when a name leads out of `folder`, and when a file is longer or shorter than it says
 */
export async function unpackWheel(file, folder, targetOf, onProgress = () => {}) {
  const wanted = (await wheelEntries(file))
    .map((entry) => ({ ...entry, target: entry.name.endsWith('/') ? null : targetOf(entry.name) }))
    .filter((entry) => entry.target !== null)
    .map((entry) => ({ ...entry, target: placeOf(folder, entry.target) }));
  const total = wanted.reduce((sum, entry) => sum + entry.size, 0);
  let done = 0;
  const handle = await open(file);
  try {
    for (const entry of wanted) {
      const header = Buffer.alloc(HEADER_BYTES);
      await handle.read(header, 0, HEADER_BYTES, entry.offset);
      const start = entry.offset + HEADER_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28);
      await unpackEntry(file, entry, start, (bytes) => onProgress((done += bytes) / total));
    }
  } finally {
    await handle.close();
  }
  return wanted.length;
}

/** A file that grows beyond what it said is stopped there. */
async function unpackEntry(file, { name, method, packed, size, target }, start, onBytes) {
  try {
    if (method !== 0 && method !== 8) throw new Error(`its method must be 0 or 8: ${method}`);
    mkdirSync(dirname(target), { recursive: true });
    let length = 0;
    const count = async function* (chunks) {
      for await (const chunk of chunks) {
        length += chunk.length;
        if (length > size) throw new Error(`it must have ${size} bytes, and has more`);
        onBytes(chunk.length);
        yield chunk;
      }
      if (length < size) throw new Error(`it must have ${size} bytes, and has ${length}`);
    };
    const end = start + packed - 1;
    const bytes =
      packed === 0 ? [] : createReadStream(file, { start, end, highWaterMark: 1 << 20 });
    const steps = method === 8 && packed > 0 ? [createInflateRaw({ chunkSize: 1 << 20 })] : [];
    await pipeline(bytes, ...steps, count, createWriteStream(target));
  } catch (error) {
    const rule = error.message;
    throw new Error(`Cannot unpack ${JSON.stringify(name)} of the wheel: ${rule}`, {
      cause: error,
    });
  }
}
