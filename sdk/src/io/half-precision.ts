/** Widens bfloat16 bits to float32; exact. */
export function bfloat16ToFloat32(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i] << 16;
  return new Float32Array(words.buffer);
}

/** Rounds float32 to bfloat16 bits, to nearest, ties to even; NaN becomes 0xffff, as in PyTorch's vector kernels. */
export function float32ToBfloat16(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const word = words[i];
    const isNaN = (word & 0x7fffffff) > 0x7f800000;
    bits[i] = isNaN ? 0xffff : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return bits;
}

/** Widens IEEE half-precision bits to float32; exact. */
export function float16ToFloat32(bits: Uint16Array): Float32Array {
  const values = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) {
    const exponent = (bits[i] >>> 10) & 0x1f;
    const fraction = bits[i] & 0x3ff;
    const magnitude =
      exponent === 0
        ? fraction * 2 ** -24
        : exponent === 31
          ? fraction === 0
            ? Infinity
            : NaN
          : (1 + fraction / 1024) * 2 ** (exponent - 15);
    values[i] = bits[i] & 0x8000 ? -magnitude : magnitude;
  }
  return values;
}

/**
 * Rounds float32 to IEEE half-precision bits, to nearest, ties to even; too large becomes infinite, and NaN stays NaN with
 * the upper bits of its payload, as in x86's own conversion.
 */
export function float32ToFloat16(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    bits[i] = ((words[i] >>> 16) & 0x8000) | magnitudeToFloat16(words[i] & 0x7fffffff);
  }
  return bits;
}

function magnitudeToFloat16(word: number): number {
  if (word > 0x7f800000) return 0x7e00 | ((word >>> 13) & 0x3ff);
  if (word >= 0x47800000) return 0x7c00; // from 2^16 on; what rounds up to it carries into the exponent below
  if (word >= 0x38800000) return shiftHalfEven(word - 0x38000000, 13);
  const shift = 126 - (word >>> 23); // below 2^-14 a step is 2^-24
  return shift > 24 ? 0 : shiftHalfEven((word & 0x7fffff) | 0x800000, shift);
}

/** word / 2^shift, to nearest, ties to even */
function shiftHalfEven(word: number, shift: number): number {
  const half = 2 ** (shift - 1);
  return (word + half - 1 + ((word >>> shift) & 1)) >>> shift;
}
