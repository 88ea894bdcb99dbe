import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSafetensors, tf, writeSafetensors } from '@flowbook/sdk';
import fc from 'fast-check';
import { readStateDict } from '../../sdk/src/io/state-dict';
import { damaged, deepJson, names, tampered, values } from './awkward';
import { holds, inputFolder, outcomeOf } from './property';
import { entryText, fileOf, plainTensors, readFile, writeFile } from './safetensors-oracle';

/** Whether tensors are the ones that a plain reader finds. They are disposed. */
function checkAgainst(
  read: Map<string, tf.Tensor>,
  expected: ReadonlyMap<string, { shape: number[]; values: number[] }>,
): void {
  try {
    assert.deepEqual([...read.keys()].sort(), [...expected.keys()].sort());
    for (const [name, { shape, values }] of expected) {
      const tensor = read.get(name) as tf.Tensor;
      assert.deepEqual(tensor.shape, shape);
      assert.deepEqual([...tensor.dataSync()], values);
    }
  } finally {
    tf.dispose([...read.values()]);
  }
}

describe('safetensors files', () => {
  const folder = inputFolder();
  const put = (bytes: Uint8Array) => {
    const path = join(folder.path, 'file.safetensors');
    writeFileSync(path, bytes);
    return path;
  };
  /** A clear error, or exactly what a plain reader finds. */
  const readsOrRefuses = (bytes: Uint8Array) => {
    const outcome = outcomeOf(() => readSafetensors(put(bytes)));
    if ('value' in outcome) checkAgainst(outcome.value, readFile(bytes));
  };

  holds('readSafetensors() reads any well-formed file', plainTensors, (tensors) => {
    const read = readSafetensors(put(writeFile(tensors)));
    checkAgainst(read, new Map(tensors.map((tensor) => [tensor.name, tensor])));
  });

  holds(
    'writeSafetensors() writes any tensors so that a plain reader finds them',
    plainTensors.map((list) => list.filter(({ dtype }) => ['F32', 'I32', 'BOOL'].includes(dtype))),
    (list) => {
      const types: Record<string, tf.DataType> = { F32: 'float32', I32: 'int32', BOOL: 'bool' };
      const tensors = list.map(
        ({ name, dtype, shape, values }) =>
          [name, tf.tensor(values, shape, types[dtype] as 'float32')] as const,
      );
      const path = join(folder.path, 'written.safetensors');
      writeSafetensors(path, new Map(tensors));
      const read = readFile(readFileSync(path));
      for (const { name, dtype, shape, values } of list) {
        const found = read.get(name);
        assert.deepEqual([found?.dtype, found?.shape, found?.values], [dtype, shape, values]);
      }
      assert.equal(read.size, list.length);
      tf.dispose(tensors.map(([, tensor]) => tensor));
    },
  );

  holds(
    'a damaged file is refused in words, or read right',
    damaged(plainTensors.map(writeFile)),
    readsOrRefuses,
  );

  holds(
    'any bytes are refused in words, or read right',
    fc.uint8Array({ maxLength: 80 }),
    readsOrRefuses,
  );

  holds(
    'a header with wrong entries is refused in words, or read right',
    fc.record({
      entries: fc.array(
        fc.tuple(
          fc.oneof(names, fc.constantFrom('__metadata__', 'x')),
          fc.oneof(
            values,
            tampered(
              fc.record({
                dtype: fc.constantFrom('F32', 'BF16', 'U8', 'F8_E4M3', 'C64', 'f32', 'F4'),
                shape: fc.array(
                  fc.oneof(
                    fc.nat(3),
                    fc.constantFrom(-1, 0.5, 2 ** 31, 2 ** 53, 2 ** 62, '1', null),
                  ),
                  { maxLength: 3 },
                ),
                data_offsets: fc.array(
                  fc.oneof(fc.nat(16), fc.constantFrom(-4, 0.5, 2 ** 53, 2 ** 64, '0', null)),
                  { maxLength: 3 },
                ),
              }),
            ),
          ),
        ),
        { maxLength: 3 },
      ),
      data: fc.uint8Array({ maxLength: 24 }),
    }),
    ({ entries, data }) => {
      const header = `{${entries.map(([name, info]) => entryText(name, info)).join(',')}}`;
      readsOrRefuses(fileOf(header, data));
    },
  );

  holds(
    'a header of the wrong length is refused in words, or read right',
    fc.tuple(
      plainTensors.map(writeFile),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fc.boolean(),
    ),
    ([file, length, isNear]) => {
      const wrong = Buffer.from(file);
      const real = wrong.readBigUInt64LE();
      wrong.writeBigUInt64LE(
        isNear ? (real + (length % 32n) + 2n ** 64n - 16n) % 2n ** 64n : length,
      );
      readsOrRefuses(wrong);
    },
  );

  holds('a deeply nested header is refused in words', deepJson, (text) => {
    const outcome = outcomeOf(() =>
      readSafetensors(put(fileOf(`{"x":${text}}`, new Uint8Array()))),
    );
    assert.ok('error' in outcome);
  });

  holds(
    'a header that is not UTF-8 or names a tensor twice is refused in words',
    fc.tuple(names, fc.boolean()),
    ([name, isTwice]) => {
      const entry = entryText(name, { dtype: 'U8', shape: [0], data_offsets: [0, 0] });
      const text = Buffer.from(isTwice ? `{${entry},${entry}}` : `{"\u0001${entry.slice(1)}}`);
      if (!isTwice) text[text.indexOf(1)] = 0xff;
      assert.ok('error' in outcomeOf(() => readSafetensors(put(fileOf(text, new Uint8Array())))));
    },
  );

  holds(
    'an index of shards is refused in words, or read right',
    fc.tuple(
      tampered(
        fc.constant({
          metadata: { total_size: 16 },
          weight_map: {
            a: 'model-00001-of-00002.safetensors',
            b: 'model-00002-of-00002.safetensors',
          },
        }),
      ),
      fc.option(fc.constantFrom('../x.safetensors', '/etc/passwd', '', '.', 'a/b', '__proto__')),
    ),
    ([index, file]) => {
      const path = folder.fresh();
      const shard = (name: string, value: number) => {
        const bytes = new Uint8Array(Float32Array.of(value, value).buffer);
        return writeFile([{ name, dtype: 'F32', shape: [2], bytes, values: [] }]);
      };
      writeFileSync(join(path, 'model-00001-of-00002.safetensors'), shard('a', 1));
      writeFileSync(join(path, 'model-00002-of-00002.safetensors'), shard('b', 2));
      const map = index.weight_map;
      if (file !== null && typeof map === 'object' && map !== null) Object.assign(map, { b: file });
      writeFileSync(join(path, 'model.safetensors.index.json'), JSON.stringify(index));
      const outcome = outcomeOf(() => readStateDict(path));
      if ('error' in outcome) return;
      // What the map names is there; a model asks for the rest.
      const named = Object.keys(index.weight_map as object);
      const whole = { a: { shape: [2], values: [1, 1] }, b: { shape: [2], values: [2, 2] } };
      const right = new Map(Object.entries(whole).filter(([name]) => named.includes(name)));
      checkAgainst(outcome.value, right);
    },
  );
});
