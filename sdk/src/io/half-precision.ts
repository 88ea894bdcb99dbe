const floatView = new Float32Array(1);
const bitsView = new Uint32Array(floatView.buffer);

/** Widens bfloat16 bits to float32; exact. */
export function bfloat16ToFloat32(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i] << 16;
  return new Float32Array(words.buffer);
}

/** Rounds float32 to bfloat16 bits, to nearest, ties to even; NaN stays NaN. */
export function float32ToBfloat16(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const word = words[i];
    const isNaN = (word & 0x7fffffff) > 0x7f800000;
    bits[i] = isNaN ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
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

/** Rounds float32 to IEEE half-precision bits, to nearest, ties to even; too large becomes infinite. */
export function float32ToFloat16(values: Float32Array): Uint16Array {
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    floatView[0] = values[i];
    const sign = (bitsView[0] >>> 16) & 0x8000;
    bits[i] = sign | magnitudeToFloat16(Math.abs(values[i]));
  }
  return bits;
}

function magnitudeToFloat16(magnitude: number): number {
  if (Number.isNaN(magnitude)) return 0x7e00;
  if (magnitude >= 65520) return 0x7c00;
  // One unit in the last place is 2^-24 below 2^-14 and grows with the exponent above.
  const exponent = Math.max(-14, Math.floor(Math.log2(magnitude || 2 ** -14)));
  const steps = roundHalfEven(magnitude / 2 ** (exponent - 10));
  return ((exponent + 14) << 10) + steps;
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
