import { statSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';

/** How a Parquet file is read. */
export interface ReadParquetOptions {
  /** A file that takes longer is refused: a damaged one can keep its reader busy for ever. Default 20 s, and 1 s for each MB. */
  timeoutMs?: number;
}

/**
 * What the thread runs. The reader works on columns side by side, and what is wrong in several of them would end the process
 * if it were not another thread's.
 */
const THREAD = `
  const { parentPort, workerData } = require('node:worker_threads');
  const read = async () => {
    const { asyncBufferFromFile, parquetReadObjects } = await import(workerData.reader);
    return parquetReadObjects({ file: await asyncBufferFromFile(workerData.path) });
  };
  read().then((rows) => parentPort.postMessage(rows));
`;

/**
 * Reads the rows of a Parquet file: columns by name, lists as arrays, structures as objects, missing values as null.
 * 64-bit integers are numbers where a number holds them, else bigints; binary columns are bytes. Another thread reads.
 *
 * @throws When there is no such file, it is not Parquet, or it takes too long; the message names the file.
 * @example
 * const rows = await readParquet('datasets/shapes/train.parquet');
 * rows.length; // 372
 */
export async function readParquet(
  path: string,
  { timeoutMs }: ReadParquetOptions = {},
): Promise<Record<string, unknown>[]> {
  const file = statSync(path, { throwIfNoEntry: false });
  if (!file?.isFile()) {
    throw new Error(`Cannot read "${path}" as it must be a file that exists`);
  }
  const limitMs = timeoutMs ?? 20_000 + Math.ceil(file.size / 1e6) * 1000;
  try {
    const rows = await readInThread(path, limitMs);
    return rows.map((row) => plain(row) as Record<string, unknown>);
  } catch (error) {
    throw new Error(
      `Cannot read "${path}" as it must be a Parquet file: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

async function readInThread(path: string, limitMs: number): Promise<unknown[]> {
  const reader = pathToFileURL(require.resolve('hyparquet')).href;
  const thread = new Worker(THREAD, { eval: true, execArgv: [], workerData: { reader, path } });
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve, reject) => {
      thread.once('message', resolve);
      thread.once('error', reject);
      timer = setTimeout(() => reject(new Error(`it was not read within ${limitMs} ms`)), limitMs);
    });
  } finally {
    clearTimeout(timer);
    await thread.terminate();
  }
}

function plain(value: unknown): unknown {
  if (value === undefined) return null;
  if (typeof value === 'bigint') {
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
}
