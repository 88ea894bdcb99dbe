import assert from 'node:assert/strict';
import type { SafetensorsDtype } from '../../../sdk/src/io/safetensors-header';
import { tensorFromBytes } from '../../../sdk/src/io/tensor-from-bytes';
import { tf } from '../../../sdk/src/tensorflow';

type Numbers = { buffer: ArrayBufferLike; byteOffset: number; byteLength: number };

/** Bytes in memory of their own, as files' are. */
function bytesOf({ buffer, byteOffset, byteLength }: Numbers): Uint8Array {
  return Uint8Array.from(new Uint8Array(buffer, byteOffset, byteLength));
}

const CASES: [SafetensorsDtype, Numbers, string, number[]][] = [
  ['F64', Float64Array.of(1.5, -0.1), 'float32', [1.5, Math.fround(-0.1)]],
  ['F32', Float32Array.of(1.5, -2), 'float32', [1.5, -2]],
  ['F16', Uint16Array.of(0x3c00, 0xc100), 'float32', [1, -2.5]],
  ['BF16', Uint16Array.of(0x3f80, 0xc020), 'float32', [1, -2.5]],
  ['I64', BigInt64Array.of(-(2n ** 31n), 7n), 'int32', [-(2 ** 31), 7]],
  ['U64', BigUint64Array.of(2n ** 31n - 1n, 7n), 'int32', [2 ** 31 - 1, 7]],
  ['I32', Int32Array.of(-(2 ** 31), 7), 'int32', [-(2 ** 31), 7]],
  ['U32', Uint32Array.of(2 ** 31 - 1, 7), 'int32', [2 ** 31 - 1, 7]],
  ['I16', Int16Array.of(-32_768, 7), 'int32', [-32_768, 7]],
  ['U16', Uint16Array.of(65_535, 7), 'int32', [65_535, 7]],
  ['I8', Int8Array.of(-128, 7), 'int32', [-128, 7]],
  ['U8', Uint8Array.of(255, 7), 'int32', [255, 7]],
  ['BOOL', Uint8Array.of(0, 2), 'bool', [0, 1]],
];

describe('tensorFromBytes()', () => {
  for (const [dtype, numbers, expected, values] of CASES) {
    it(`${dtype} becomes ${expected}, number by number`, () => {
      const tensor = tensorFromBytes(bytesOf(numbers), dtype, [2, 1], '"a"');
      assert.deepEqual([tensor.dtype, tensor.shape], [expected, [2, 1]]);
      assert.deepEqual(Array.from(tensor.dataSync()), values);
      tensor.dispose();
    });
  }

  it('refuses whole numbers that do not fit, and types that are no tensor', () => {
    const { numTensors } = tf.memory();
    for (const [dtype, numbers, value] of [
      ['I64', BigInt64Array.of(0n, 2n ** 31n), '2147483648'],
      ['I64', BigInt64Array.of(-(2n ** 53n) - 1n), '-9007199254740993'],
      ['U64', BigUint64Array.of(2n ** 64n - 1n), '18446744073709551615'],
      ['U32', Uint32Array.of(2 ** 31), '2147483648'],
    ] as const) {
      assert.throws(() => tensorFromBytes(bytesOf(numbers), dtype, [numbers.length], '"a"'), {
        message: `Cannot read "a" as its whole numbers must fit into int32: current value is ${value}`,
      });
    }
    assert.throws(() => tensorFromBytes(new Uint8Array(1), 'F8_E5M2', [1], '"a"'), {
      message:
        'Cannot read "a" as a tensor must hold floats, whole numbers or booleans: current value is F8_E5M2',
    });
    assert.equal(tf.memory().numTensors, numTensors);
  });
});
