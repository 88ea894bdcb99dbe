import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RandomKey, readParquet } from '@flowbook/sdk';
import { parquetFile } from '../../../datasets/make/parquet-file';
import { isLong } from '../../long-run';

/** What a process of little memory says of a file. */
function readInSmallProcess(path: string): string {
  const code = `require('@flowbook/sdk').readParquet(process.argv[1]).catch(({ message }) => console.log(message))`;
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['--max-old-space-size=96', '-e', code, path],
    { encoding: 'utf8' },
  );
  assert.equal(status, 0, stderr);
  return stdout.trim();
}

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
    this.timeout(isLong ? 1_800_000 : 120_000);
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
        assert.match(
          (error as Error).message,
          /^Cannot read ".*" as (it must be a Parquet file: .|its rows times|what it holds)/,
        );
      }
    }
  });

  it('refuses 6 KB that hold five million equal texts, in a process that could not hold them', async () => {
    const path = join(folder, 'bomb.parquet');
    const { parquetWriteBuffer } = await import('hyparquet-writer');
    const data = Array<string>(5_000_000).fill('a red fox');
    const bytes = Buffer.from(
      parquetWriteBuffer({
        columnData: [{ name: 'prompt', data }],
        rowGroupSize: data.length,
        pageSize: 2 ** 30,
      }),
    );
    assert.ok(bytes.length < 10_000);
    writeFileSync(path, bytes);
    const honest = readInSmallProcess(path);
    assert.equal(
      honest,
      `Cannot read "${path}" as its rows times its columns (mostValues) must be at most 4000000: current value is 5000000`,
    );
    // The same with an end that speaks of ten rows: 5,000,000 and 10 as zigzag numbers of four bytes.
    const end = bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8);
    const [said, lie] = [Buffer.from('80ade204', 'hex'), Buffer.from('94808000', 'hex')];
    for (let at = bytes.indexOf(said, end); at >= 0; at = bytes.indexOf(said, at + 1))
      lie.copy(bytes, at);
    writeFileSync(path, bytes);
    assert.match(
      readInSmallProcess(path),
      /as its rows times its columns \(mostValues\) must be at most 4000000/,
    );
  });

  it('refuses a long text that comes thousands of times', async () => {
    const path = join(folder, 'long.parquet');
    const rows = Array<object>(5000).fill({ prompt: 'a'.repeat(100_000) });
    writeFileSync(path, await parquetFile({ prompt: 'text' }, rows as Record<string, string>[]));
    await assert.rejects(
      readParquet(path),
      /as what it holds when it is unpacked, for its size, must be at most/,
    );
  });

  it('reads as many values as mostValues says, of rows from many slices and row groups', async () => {
    const path = join(folder, 'groups.parquet');
    const { parquetWriteBuffer } = await import('hyparquet-writer');
    const data = Array.from({ length: 2500 }, (_, row) => `prompt ${row}`);
    const columnData = [{ name: 'prompt', data }];
    writeFileSync(path, Buffer.from(parquetWriteBuffer({ columnData, rowGroupSize: 1200 })));
    assert.deepEqual(
      await readParquet(path, { mostValues: 2500 }),
      data.map((prompt) => ({ prompt })),
    );
    await assert.rejects(readParquet(path, { mostValues: 2499 }), {
      message: `Cannot read "${path}" as its rows times its columns (mostValues) must be at most 2499: current value is 2500`,
    });
  });

  it('says that it took too long', async () => {
    const path = 'datasets/shapes/held-out.parquet';
    await assert.rejects(readParquet(path, { timeoutMs: 0 }), {
      message: `Cannot read "${path}" as it must be a Parquet file: it was not read within 0 ms`,
    });
  });
});
