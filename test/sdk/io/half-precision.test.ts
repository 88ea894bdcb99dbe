import assert from 'node:assert/strict';
import {
  bfloat16ToFloat32,
  float16ToFloat32,
  float32ToBfloat16,
  float32ToFloat16,
} from '../../../sdk/src/io/half-precision';

const ALL = Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits);

/** The format's numbers as IEEE 754 defines them: so many bits of exponent, the rest of fraction. */
function valueOf(bits: number, exponentBits: number): number {
  const fractionBits = 15 - exponentBits;
  const [exponent, fraction] = [
    (bits >>> fractionBits) & (2 ** exponentBits - 1),
    bits & (2 ** fractionBits - 1),
  ];
  const bias = 2 ** (exponentBits - 1) - 1;
  const sign = bits >= 0x8000 ? -1 : 1;
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** (1 - bias - fractionBits);
  return sign * (1 + fraction / 2 ** fractionBits) * 2 ** (exponent - bias);
}

for (const [name, exponentBits, widen, round, nan] of [
  ['float16', 5, float16ToFloat32, float32ToFloat16, 0x7e00],
  ['bfloat16', 8, bfloat16ToFloat32, float32ToBfloat16, 0xffff],
] as const) {
  describe(name, () => {
    const values = widen(ALL);

    it('widens each of its 65,536 numbers to what IEEE 754 says, and rounds it back to the same bits', () => {
      const back = round(values);
      for (const bits of ALL) {
        const value = valueOf(bits, exponentBits);
        assert.ok(Object.is(values[bits], value), `${bits}: ${values[bits]} is not ${value}`);
        if (!Number.isNaN(value)) assert.equal(back[bits], bits);
      }
    });

    it('rounds to the nearest of two neighbours, and from the middle to the even one', () => {
      const infinite = (2 ** exponentBits - 1) << (15 - exponentBits);
      for (let low = 0; low < infinite; low++) {
        const [below, above] = [
          values[low],
          low + 1 === infinite ? 2 * valueOf(low, exponentBits) - values[low - 1] : values[low + 1],
        ];
        const middle = (below + above) / 2;
        const step = Math.max(middle * 2 ** -23, 2 ** -149);
        const asked = Float32Array.of(middle - step, middle, middle + step, -middle);
        const even = low % 2 === 0 ? low : low + 1;
        assert.deepEqual([...round(asked)], [low, even, low + 1, even | 0x8000], `after ${low}`);
      }
    });

    it('keeps NaN', () => {
      assert.deepEqual([...round(Float32Array.of(NaN))], [nan]);
    });
  });
}

describe('float32ToFloat16()', () => {
  it('makes what is too small 0, and what is too large infinite, with the sign', () => {
    const values = Float32Array.of(2 ** -26, -(2 ** -149), 65_520, -1e30, Infinity);
    assert.deepEqual([...float32ToFloat16(values)], [0, 0x8000, 0x7c00, 0xfc00, 0x7c00]);
    const small = Float32Array.from({ length: 123 }, (_, at) => 1.75 * 2 ** (at - 149));
    assert.ok(float32ToFloat16(small).every((bits) => bits === 0));
  });

  it('keeps the upper bits of what a NaN says', () => {
    const said = new Float32Array(
      Uint32Array.of(0x7f800000 | (0x155 << 13) | 7, 0xff800001).buffer,
    );
    assert.deepEqual([...float32ToFloat16(said)], [0x7e00 | 0x155, 0xfe00]);
  });
});
