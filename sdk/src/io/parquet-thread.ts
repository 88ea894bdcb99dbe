import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';

/** Within what a Parquet file is read. */
export interface ParquetBounds {
  /** Time in milliseconds. */
  timeoutMs: number;
  /** Values of all rows and columns. */
  mostValues: number;
  /** Bytes of the file. */
  fileBytes: number;
}

/** A file that may be Parquet, but is larger inside than it may be. The message is the rule and the value. */
export class ParquetTooLarge extends Error {}

/**
 * What the thread runs. The reader works on columns side by side, and what is wrong in several of them would end the process
 * if it were not another thread's. Before a row group is decoded, its pages are counted: a few bytes can stand for millions of
 * equal values, and the file's own account of its rows need not be true. Rows leave in slices, so that no second copy of all
 * of them is made.
 */
const THREAD = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { path, mostValues, mostBytes, rowsPerSlice } = workerData;

  const REFUSED = new Error('refused');
  function refuse(rule, most, found) {
    parentPort.postMessage({ refused: rule + ' must be at most ' + most + ': current value is ' + found });
    throw REFUSED;
  }

  const size = (value) => {
    if (typeof value === 'string') return value.length;
    if (ArrayBuffer.isView(value)) return value.byteLength;
    if (value === null || typeof value !== 'object') return 8;
    return Object.values(value).reduce((sum, one) => sum + size(one), 8);
  };

  const read = async () => {
    const { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } = await import(workerData.reader);
    const { parquetHeader } = await import(workerData.pages);
    const file = await asyncBufferFromFile(path);
    const metadata = await parquetMetadataAsync(file);
    let values = 0;
    const count = (more) => {
      values += more;
      if (!(values <= mostValues)) refuse('its rows times its columns (mostValues)', mostValues, values);
    };
    count(metadata.row_groups.reduce((sum, { num_rows, columns }) => sum + Number(num_rows) * columns.length, 0));
    values = 0;
    let bytes = 0;
    const weigh = (more) => {
      bytes += more;
      if (!(bytes <= mostBytes)) refuse('what it holds when it is unpacked, for its size,', mostBytes + ' bytes', bytes);
    };
    const countPages = async ({ meta_data: chunk }, rows) => {
      const start = Number(chunk.dictionary_page_offset || chunk.data_page_offset);
      const view = new DataView(await file.slice(start, start + Number(chunk.total_compressed_size)));
      const at = { view, offset: 0 };
      let unpacked = 0;
      for (let seen = 0; at.offset < view.byteLength - 1 && (chunk.path_in_schema.length > 1 || seen < rows); ) {
        const { data_page_header, data_page_header_v2, dictionary_page_header, ...page } = parquetHeader(at);
        const inPage = (data_page_header ?? data_page_header_v2)?.num_values ?? 0;
        count(inPage + (dictionary_page_header?.num_values ?? 0));
        seen += inPage;
        unpacked += page.uncompressed_page_size;
        if (unpacked > mostBytes) weigh(unpacked);
        if (!(page.compressed_page_size >= 0)) throw new Error('a page has no size');
        at.offset += page.compressed_page_size;
      }
    };
    let rowStart = 0;
    for (const { num_rows, columns } of metadata.row_groups) {
      const rowEnd = rowStart + Number(num_rows);
      for (const column of columns) await countPages(column, Number(num_rows));
      const rows = await parquetReadObjects({ file, metadata, rowStart, rowEnd });
      for (let at = 0; at < rows.length; at += rowsPerSlice) {
        const slice = rows.slice(at, at + rowsPerSlice);
        for (const row of slice) weigh(size(row));
        parentPort.postMessage({ rows: slice });
      }
      rowStart = rowEnd;
    }
    parentPort.postMessage({ isDone: true });
  };
  // Any other error is the thread's end, which the main thread hears of.
  read().catch((error) => {
    if (error !== REFUSED) throw error;
  });
`;

type Message = { refused: string } | { rows: unknown[] } | { isDone: true };

/** Hands on a file's rows, slice by slice. @throws A `ParquetTooLarge`, or the reader's error. */
export async function readInThread(
  path: string,
  { timeoutMs, mostValues, fileBytes }: ParquetBounds,
  take: (rows: unknown[]) => void,
): Promise<void> {
  const workerData = {
    reader: pathToFileURL(require.resolve('hyparquet')).href,
    pages: pathToFileURL(require.resolve('hyparquet/src/column.js')).href,
    path,
    mostValues,
    // Real texts are packed to a tenth at best, and words that come in many rows to less.
    mostBytes: 2 ** 26 + 100 * fileBytes,
    rowsPerSlice: 1000,
  };
  const thread = new Worker(THREAD, {
    eval: true,
    execArgv: [],
    workerData,
    // 256 bytes for each value that there may be, and eight times the file.
    resourceLimits: { maxOldGenerationSizeMb: 256 + mostValues / 2 ** 12 + fileBytes / 2 ** 17 },
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      thread.on('message', (message: Message) => {
        if ('rows' in message) take(message.rows);
        else if ('refused' in message) reject(new ParquetTooLarge(message.refused));
        else resolve();
      });
      thread.once('error', reject);
      timer = setTimeout(
        () => reject(new Error(`it was not read within ${timeoutMs} ms`)),
        timeoutMs,
      );
    });
  } finally {
    clearTimeout(timer);
    await thread.terminate();
  }
}
