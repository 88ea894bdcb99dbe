import assert from 'node:assert/strict';
import {
  closeSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { openSafetensors, readSafetensors, writeSafetensors } from '../../../sdk/src/io';
import { tf } from '../../../sdk/src/tensorflow';

const GOLDEN = join(__dirname, '../../golden/models/tiny-qwen-image/transformer');

describe('safetensors', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'flowbook-'));
    path = join(folder, 'file.safetensors');
    tf.engine().startScope();
  });
  afterEach(() => {
    tf.engine().endScope();
    rmSync(folder, { recursive: true });
  });

  /** Writes a file with any header and data. */
  const write = (header: unknown, data: Uint8Array = new Uint8Array()) => {
    const text =
      typeof header === 'string' ? Buffer.from(header) : Buffer.from(JSON.stringify(header));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    writeFileSync(path, Buffer.concat([length, text, data]));
  };
  const bytesOf = (array: ArrayBufferView) =>
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  const readOne = (dtype: string, array: ArrayBufferView, shape: number[]) => {
    write({ x: { dtype, shape, data_offsets: [0, array.byteLength] } }, bytesOf(array));
    return readSafetensors(path).get('x') as tf.Tensor;
  };

  it('readSafetensors() gives back what writeSafetensors() was given', () => {
    const tensors = {
      matrix: tf.tensor2d([1.5, -2, NaN, Infinity, 0, 3e-40], [2, 3]),
      scalar: tf.scalar(7, 'int32'),
      empty: tf.zeros([0, 4]),
      mask: tf.tensor1d([1, 0, 1], 'bool'),
      'ünï "code"': tf.tensor1d([1]),
      '12': tf.tensor1d([12]),
    };
    writeSafetensors(path, tensors, { metadata: { note: 'ä\n"' } });
    const file = openSafetensors(path);
    assert.deepEqual(file.metadata, { note: 'ä\n"' });
    file.close();
    for (const [name, tensor] of readSafetensors(path)) {
      const expected = tensors[name as keyof typeof tensors];
      assert.deepEqual([tensor.shape, tensor.dtype], [expected.shape, expected.dtype]);
      assert.deepEqual(tensor.dataSync(), expected.dataSync());
    }
  });

  it('writeSafetensors() repeats a file of the reference library byte for byte', () => {
    const original = join(GOLDEN, 'diffusion_pytorch_model.safetensors');
    const shuffled = new Map([...readSafetensors(original)].reverse());
    writeSafetensors(path, shuffled);
    assert.ok(readFileSync(path).equals(readFileSync(original)));
  });

  it('writeSafetensors() puts wider types first, and names of one type in order of their bytes', () => {
    writeSafetensors(path, {
      '\u{1F600}': tf.scalar(1),
      a: tf.scalar(1, 'bool'),
      '\uFFFD': tf.scalar(1),
      b: tf.scalar(1, 'int32'),
      Z: tf.scalar(1),
    });
    const header = readFileSync(path).subarray(8).toString();
    const names = [...header.matchAll(/"([^"]+)":\{"dtype"/g)].map(([, name]) => name);
    assert.deepEqual(names, ['Z', '\uFFFD', '\u{1F600}', 'b', 'a']);
    assert.equal(readFileSync(path).readUInt32LE() % 8, 0);
  });

  it('writeSafetensors() leaves nothing but the file behind, also when it fails', () => {
    writeSafetensors(path, { x: tf.scalar(1) });
    assert.throws(
      () => writeSafetensors(path, { x: tf.complex(1, 2) }),
      /tensor "x" must be float32, int32 or bool: current value is complex64/,
    );
    const broken = tf.scalar(2);
    broken.dispose();
    assert.throws(() => writeSafetensors(path, { x: broken }));
    assert.deepEqual(readdirSync(folder), ['file.safetensors']);
    assert.equal(readSafetensors(path).get('x')?.dataSync()[0], 1);
  });

  it('tensor() widens F16 and BF16 exactly', () => {
    const halves = new Uint16Array([0x3c00, 0xc000, 0x0001, 0x7c00, 0x8000, 0x03ff]);
    const expected = [1, -2, 2 ** -24, Infinity, -0, 1023 * 2 ** -24];
    assert.deepEqual([...readOne('F16', halves, [2, 3]).dataSync()], expected);
    const brains = new Uint16Array([0x3f80, 0xc000, 0x0001, 0xff80, 0x8000, 0x4049]);
    const wide = [1, -2, 2 ** -133, -Infinity, -0, 3.140625];
    assert.deepEqual([...readOne('BF16', brains, [6]).dataSync()], wide);
  });

  it('writeSafetensors() rounds to F16 and BF16 to nearest, ties to even', () => {
    const values = [1, 1 + 2 ** -11, 1 + 3 * 2 ** -11, -65519, 65520, 2 ** -25, 3 * 2 ** -25, NaN];
    writeSafetensors(path, { x: tf.tensor1d(values) }, { dtype: 'F16' });
    const half = [1, 1, 1 + 2 ** -9, -65504, Infinity, 0, 2 ** -23, NaN];
    assert.deepEqual([...(readSafetensors(path).get('x')?.dataSync() ?? [])], half);
    writeSafetensors(
      path,
      { x: tf.tensor1d([1 + 2 ** -8, 1 + 3 * 2 ** -8, NaN, -3.4e38]) },
      { dtype: 'BF16' },
    );
    const brain = [1, 1 + 2 ** -6, NaN, -Infinity];
    assert.deepEqual([...(readSafetensors(path).get('x')?.dataSync() ?? [])], brain);
    assert.equal(openSafetensors(path).info('x').dtype, 'BF16');
  });

  it('a float16 or bfloat16 file survives reading and writing, bit by bit', () => {
    const bits = Uint16Array.from({ length: 0x10000 }, (_, index) => index);
    for (const [dtype, infinity] of [
      ['F16', 0x7c00],
      ['BF16', 0x7f80],
    ] as const) {
      const numbers = bits.filter((word) => (word & 0x7fff) <= infinity);
      const tensor = readOne(dtype, numbers, [numbers.length]);
      writeSafetensors(path, { x: tensor }, { dtype });
      assert.deepEqual(openSafetensors(path).bytes('x'), bytesOf(numbers));
    }
  });

  it('tensor() reads F64 as float32, whole numbers as int32 and BOOL as bool', () => {
    const cases: [string, ArrayBufferView, number[]][] = [
      ['F64', Float64Array.of(0.1, -3), [Math.fround(0.1), -3]],
      ['I64', BigInt64Array.of(-5n, 7n), [-5, 7]],
      ['U64', BigUint64Array.of(5n, 7n), [5, 7]],
      ['I32', Int32Array.of(-5, 7), [-5, 7]],
      ['U32', Uint32Array.of(5, 7), [5, 7]],
      ['I16', Int16Array.of(-5, 7), [-5, 7]],
      ['U16', Uint16Array.of(5, 0xffff), [5, 0xffff]],
      ['I8', Int8Array.of(-5, 7), [-5, 7]],
      ['U8', Uint8Array.of(5, 255), [5, 255]],
      ['BOOL', Uint8Array.of(0, 1), [0, 1]],
    ];
    for (const [dtype, array, expected] of cases) {
      assert.deepEqual([...readOne(dtype, array, [2]).dataSync()], expected, dtype);
    }
    assert.throws(
      () => readOne('I64', BigInt64Array.of(2n ** 31n), [1]),
      /must fit into int32: current value is 2147483648/,
    );
    assert.throws(() => readOne('F8_E4M3', new Uint8Array(1), [1]), /current value is F8_E4M3/);
  });

  it('readSafetensors() finds an empty tensor after one of a type that TensorFlow does not read itself', () => {
    const flag = { dtype: 'BOOL', shape: [1], data_offsets: [0, 1] };
    const empty = { dtype: 'F32', shape: [0, 2], data_offsets: [1, 1] };
    write({ flag, empty }, new Uint8Array([1]));
    assert.deepEqual(
      [...readSafetensors(path)].map(([name, { shape }]) => [name, shape]),
      [
        ['flag', [1]],
        ['empty', [0, 2]],
      ],
    );
  });

  it('openSafetensors() names the file, the rule and the value of a hostile header', () => {
    const info = (offsets: number[], shape = [1], dtype = 'F32') => ({
      dtype,
      shape,
      data_offsets: offsets,
    });
    const data = new Uint8Array(8);
    const cases: [unknown, RegExp][] = [
      ['[1]', /its header must start with "\{": current value is byte 91/],
      ['{"a":', /its header must be JSON/],
      ['{"a":{},"a":{}}', /must occur once: current value is "a" twice/],
      [`{"a":{"dtype":"F32","dtype":"F16"}}`, /must occur once: current value is "dtype" twice/],
      [`{"\\u0061":{},"a":{}}`, /must occur once/],
      [
        { __metadata__: { a: 1 } },
        /"__metadata__" must map names to strings: current value is \{"a":1\}/,
      ],
      [{ a: null }, /tensor "a" must be described by an object: current value is null/],
      [
        { a: info([0, 8], [2], 'F31') },
        /dtype of tensor "a" must be one of BOOL, .*: current value is "F31"/,
      ],
      [
        { a: info([0, 8], [-2]) },
        /shape of tensor "a" must hold whole numbers from 0: current value is \[-2\]/,
      ],
      [{ a: info([0, 8], [1e300]) }, /shape of tensor "a" must hold whole numbers/],
      [{ a: info([8, 0], [2]) }, /data_offsets of tensor "a" must be \[start, end\]/],
      [{ a: info([0, 8, 9], [2]) }, /data_offsets of tensor "a" must be \[start, end\]/],
      [{ a: info([0, 4], [2]) }, /shape \[2\] must take 8 bytes: current value is 4/],
      [
        { a: info([0, 4]), b: info([0, 4]) },
        /tensor "b" must start where the one before ends, at 4: current value is 0/,
      ],
      [
        { a: info([4, 8]) },
        /tensor "a" must start where the one before ends, at 0: current value is 4/,
      ],
      [{ a: info([0, 4]) }, /its data section must hold 4 bytes: current value is 8/],
      [{ a: info([0, 16], [4]) }, /its data section must hold 16 bytes: current value is 8/],
    ];
    for (const [header, message] of cases) {
      write(header, data);
      assert.throws(() => openSafetensors(path), message);
      assert.throws(() => openSafetensors(path), new RegExp(`"${path}"`));
    }
    writeFileSync(path, Buffer.from([9, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0xff, 0x7d, 1, 1, 1, 1, 1, 1]));
    assert.throws(() => openSafetensors(path), /its header must be UTF-8/);
    writeFileSync(path, Buffer.alloc(5));
    assert.throws(() => openSafetensors(path), /must hold at least 8 bytes: current value is 5/);
    writeFileSync(path, Buffer.alloc(8));
    assert.throws(() => openSafetensors(path), /must start with "\{": current value is nothing$/);
    writeFileSync(path, Buffer.alloc(16, 0xff));
    assert.throws(
      () => openSafetensors(path),
      /at most 100000000 bytes: current value is 18446744073709551615/,
    );
    writeFileSync(path, Buffer.from([100, 0, 0, 0, 0, 0, 0, 0, 0x7b]));
    assert.throws(
      () => openSafetensors(path),
      /must end inside the file, which has 9 bytes: current value is 108/,
    );
    assert.throws(() => openSafetensors(join(folder, 'missing')), /ENOENT/);
  });

  it('openSafetensors() takes a name like __proto__ as any other', () => {
    write('{"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', new Uint8Array([3]));
    assert.equal(readSafetensors(path).get('__proto__')?.dataSync()[0], 3);
  });

  it('a file with any byte changed or cut is read or refused, never more', () => {
    writeSafetensors(path, {
      a: tf.tensor1d([1, 2, 3]),
      b: tf.tensor2d([[4, 5]], undefined, 'int32'),
    });
    const good = readFileSync(path);
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), fc.boolean(), (at, byte, cut) => {
        const bad = Buffer.from(cut ? good.subarray(0, at) : good);
        if (!cut) bad[at] = byte;
        writeFileSync(path, bad);
        try {
          readSafetensors(path).forEach((tensor) => tensor.dispose());
        } catch (error) {
          assert.match((error as Error).message, /^Cannot read /);
        }
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it('tensor() says so when the file has shrunk since it was opened', () => {
    for (const [dtype, array] of [
      ['F32', new Float32Array(2 ** 20)],
      ['F16', new Uint16Array(8)],
      ['I64', new BigInt64Array(8)],
    ] as const) {
      const info = { dtype, shape: [array.length], data_offsets: [0, array.byteLength] };
      write({ x: info }, bytesOf(array));
      const file = openSafetensors(path);
      const left = statSync(path).size - 4;
      truncateSync(path, left);
      assert.throws(() => file.tensor('x'), {
        message: `Cannot read safetensors file "${path}" as it must not shrink while it is read: current value is ${left}`,
      });
      file.close();
    }
  });

  it('tensor() gives the same bytes from one thread and from several', () => {
    const values = Float32Array.from({ length: 2 ** 20 + 3 }, (_, at) => at);
    assert.deepEqual(readOne('F32', values, [values.length]).dataSync(), values);
    assert.deepEqual(
      readOne('I32', new Int32Array(values), [values.length]).dataSync(),
      new Int32Array(values),
    );
  });

  it('close() gives the file back to the system, and may be called again', () => {
    writeSafetensors(path, { x: tf.scalar(1) });
    const next = openSync(path, 'r');
    closeSync(next);
    // The system gives the lowest number that is free.
    const file = openSafetensors(path);
    assert.equal(fstatSync(next).ino, statSync(path).ino);
    file.close();
    file.close();
    assert.throws(() => fstatSync(next), { code: 'EBADF' });
  });

  it('a closed file reads no more', () => {
    writeSafetensors(path, { x: tf.scalar(1) });
    const file = openSafetensors(path);
    file.close();
    assert.throws(() => file.tensor('x'), /it is closed/);
    assert.throws(() => file.info('y'), /Cannot find tensor "y"/);
  });
});
