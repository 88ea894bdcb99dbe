import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RandomKey, readParquet } from '@flowbook/sdk';
import { parquetFile } from '../../../datasets/make/parquet-file';
import { isLong } from '../../long-run';

describe('readParquet()', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'flowbook-parquet-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('gives back rows with lists, structures, whole numbers and missing values', async () => {
    const path = join(folder, 'rows.parquet');
    const columns = {
      name: 'text',
      count: 'integer',
      isNew: 'boolean',
      parts: { list: { fields: { name: 'text', place: { fields: { x: 'integer' } } } } },
    } as const;
    const rows = [
      { name: 'Grün', count: -3, isNew: true, parts: [{ name: 'a', place: { x: 1 } }] },
      { name: null, count: null, isNew: null, parts: [] },
      { name: '', count: 2 ** 40, isNew: false, parts: [{ name: null, place: null }] },
    ];
    writeFileSync(path, await parquetFile(columns, rows));
    assert.deepEqual(await readParquet(path), rows);
  });

  it('keeps whole numbers that no number holds as bigints', async () => {
    const path = join(folder, 'large.parquet');
    writeFileSync(path, await parquetFile({ id: 'integer' }, [{ id: 2 ** 60 }]));
    assert.deepEqual(await readParquet(path), [{ id: 2n ** 60n }]);
  });

  it('refuses what is not there or not Parquet, by the name of the file', async () => {
    const missing = join(folder, 'missing.parquet');
    for (const path of [missing, folder]) {
      await assert.rejects(readParquet(path), {
        message: `Cannot read "${path}" as it must be a file that exists`,
      });
    }
    const path = join(folder, 'text.parquet');
    for (const content of ['', 'no', '{"prompt": "this is JSON, which is something else"}']) {
      writeFileSync(path, content);
      await assert.rejects(readParquet(path), (error: Error) =>
        error.message.startsWith(`Cannot read "${path}" as it must be a Parquet file: `),
      );
    }
  });

  it('refuses cut and damaged files in words, or reads rows, in bounded time', async function () {
    this.timeout(120_000);
    const whole = readFileSync('datasets/shapes/held-out.parquet');
    const path = join(folder, 'damaged.parquet');
    for (let length = 0; length < whole.length; length += 997) {
      writeFileSync(path, whole.subarray(0, length));
      await assert.rejects(
        readParquet(path),
        /^Error: Cannot read ".*" as it must be a Parquet file/,
      );
    }
    const key = RandomKey.fromSeed(3);
    for (let run = 0; run < (isLong ? 1000 : 40); run++) {
      const draw = key.fold(run);
      const bytes = Buffer.from(whole);
      for (let change = 0; change < 3; change++) {
        const at = draw.fold('at', change).integer(0, bytes.length);
        bytes[at] = draw.fold('byte', change).integer(0, 256);
      }
      writeFileSync(path, bytes);
      try {
        assert.ok(Array.isArray(await readParquet(path, { timeoutMs: 1000 })));
      } catch (error) {
        assert.match((error as Error).message, /^Cannot read ".*" as it must be a Parquet file: ./);
      }
    }
  });

  it('says that it took too long', async () => {
    const path = 'datasets/shapes/held-out.parquet';
    await assert.rejects(readParquet(path, { timeoutMs: 0 }), {
      message: `Cannot read "${path}" as it must be a Parquet file: it was not read within 0 ms`,
    });
  });
});
