import { statSync } from 'node:fs';
import { ParquetTooLarge, readInThread } from './parquet-thread';

/** How a Parquet file is read. */
export interface ReadParquetOptions {
  /** A file that takes longer is refused: a damaged one can keep its reader busy for ever. Default 20 s, and 1 s for each MB. */
  timeoutMs?: number;
  /**
   * A file with more values, rows times columns, is refused: a few kilobytes can say millions of times the same. Default 4 million,
   * which files of prompts and pairs stay far below: 25,000 prompts in verl's ten columns have 250,000.
   */
  mostValues?: number;
}

/**
 * Reads the rows of a Parquet file: columns by name, lists as arrays, structures as objects, missing values as null.
 * 64-bit integers are numbers where a number holds them, else bigints; binary columns are bytes. Another thread reads.
 *
 * @throws When there is no such file, it is not Parquet, it takes too long, or it is larger inside than it may be: more values than
 * `mostValues`, or texts and bytes of more than 64 MiB and a hundred times the file's size; the message names the file.
 * @example
 * const rows = await readParquet('datasets/shapes/train.parquet');
 * rows.length; // 372
 */
export async function readParquet(
  path: string,
  { timeoutMs, mostValues = 4_000_000 }: ReadParquetOptions = {},
): Promise<Record<string, unknown>[]> {
  const file = statSync(path, { throwIfNoEntry: false });
  if (!file?.isFile()) {
    throw new Error(`Cannot read "${path}" as it must be a file that exists`);
  }
  const bounds = {
    timeoutMs: timeoutMs ?? 20_000 + Math.ceil(file.size / 1e6) * 1000,
    mostValues,
    fileBytes: file.size,
  };
  const rows: Record<string, unknown>[] = [];
  try {
    await readInThread(path, bounds, (slice) => {
      for (const row of slice) rows.push(plain(row) as Record<string, unknown>);
    });
    return rows;
  } catch (error) {
    if (error instanceof ParquetTooLarge) {
      throw new Error(`Cannot read "${path}" as ${error.message}`, { cause: error });
    }
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
