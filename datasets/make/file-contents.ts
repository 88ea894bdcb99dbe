/** Bytes of files by their names. */
export type FileContents = Record<string, Uint8Array>;

/** Records as JSONL. */
export function jsonLines(records: readonly object[]): Uint8Array {
  return Buffer.from(records.map((record) => `${JSON.stringify(record)}\n`).join(''));
}
