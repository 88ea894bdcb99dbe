import { statSync } from 'node:fs';

/**
 * Reads the rows of a Parquet file: columns by name, lists as arrays, structures as objects, missing values as null.
 * 64-bit integers are numbers where a number holds them, else bigints; binary columns are bytes.
 *
 * @throws When there is no such file, or it is not Parquet; the message names the file.
 * @example
 * const rows = await readParquet('datasets/shapes/train.parquet');
 * rows.length; // 372
 */
export async function readParquet(path: string): Promise<Record<string, unknown>[]> {
  const { asyncBufferFromFile, parquetReadObjects } = await import('hyparquet');
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) {
    throw new Error(`Cannot read "${path}" as it must be a file that exists`);
  }
  try {
    const rows = await parquetReadObjects({ file: await asyncBufferFromFile(path) });
    return rows.map((row) => plain(row) as Record<string, unknown>);
  } catch (error) {
    throw new Error(
      `Cannot read "${path}" as it must be a Parquet file: ${(error as Error).message}`,
      { cause: error },
    );
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
