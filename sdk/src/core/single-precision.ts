/**
 * Logarithm, sine and cosine in single precision, by the polynomials of Moshier's Cephes library (logf.c, sinf.c) with
 * fused multiply-adds where PyTorch's vectorised CPU kernels have them: equal to those to the last bit.
 */

const f32 = Math.fround;
const one = new Float64Array(1);
const oneWords = new Uint32Array(one.buffer);
const float = new Float32Array(1);
const floatBits = new Int32Array(float.buffer);

const SMALLEST_NORMAL = f32(1.17549435e-38);
const SQRT_HALF = f32(Math.SQRT1_2);
const LN_2_HIGH = f32(0.693359375);
const LN_2_LOW = f32(-2.1219444e-4);
const LOG = [
  7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1,
  -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
].map(f32);
const FOUR_OVER_PI = f32(1.27323954473516);
/** -pi/4 in three parts, so that the reduction is exact to more digits than a float has. */
const MINUS_QUARTER_PI = [-0.78515625, -2.4187564849853516e-4, -3.774894977445941e-8].map(f32);
const COS = [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2].map(f32);
const SIN = [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1].map(f32);

/** a b + c of single-precision numbers, rounded once. */
export function fusedMultiplyAdd(a: number, b: number, c: number): number {
  const product = a * b;
  const sum = product + c;
  const rest = sum - product;
  const error = product - (sum - rest) + (c - rest);
  if (error === 0) return f32(sum);
  // The sum was rounded to a double. Make its last bit odd, so that rounding to a float cannot see a false tie.
  one[0] = sum;
  if ((oneWords[0] & 1) === 0) {
    if (error > 0 === sum > 0) oneWords[0] |= 1;
    else {
      if (oneWords[0] === 0) oneWords[1]--;
      oneWords[0]--;
    }
  }
  return f32(one[0]);
}

/** c0 x^n + c1 x^(n-1) + ... */
function polynomial(coefficients: readonly number[], x: number): number {
  let y = coefficients[0];
  for (let k = 1; k < coefficients.length; k++) y = fusedMultiplyAdd(y, x, coefficients[k]);
  return y;
}

/** ln x of a single-precision number x > 0. */
export function logSingle(x: number): number {
  float[0] = Math.max(x, SMALLEST_NORMAL);
  let exponent = (floatBits[0] >>> 23) - 126;
  floatBits[0] = (floatBits[0] & ~0x7f800000) | 0x3f000000;
  // mantissa in [sqrt(1/2), sqrt(2)), less 1
  let m = f32(float[0] - 1);
  if (float[0] < SQRT_HALF) {
    exponent--;
    m = f32(m + float[0]);
  }
  const square = f32(m * m);
  const tail = f32(polynomial(LOG, m) * m);
  const low = fusedMultiplyAdd(tail, square, f32(exponent * LN_2_LOW));
  const sum = f32(m + fusedMultiplyAdd(-square, 0.5, low));
  return fusedMultiplyAdd(exponent, LN_2_HIGH, sum);
}

/** Writes [sin x, cos x] of a single-precision number 0 <= x < 8192 into `out`. */
export function sinCosSingle(x: number, out: [number, number] | number[]): void {
  const octant = (Math.trunc(f32(x * FOUR_OVER_PI)) + 1) & ~1;
  let r = x;
  for (const part of MINUS_QUARTER_PI) r = fusedMultiplyAdd(octant, part, r);
  const square = f32(r * r);
  const cosTail = f32(polynomial(COS, square) * square);
  const cos = f32(fusedMultiplyAdd(cosTail, square, -f32(square * 0.5)) + 1);
  const sin = fusedMultiplyAdd(f32(polynomial(SIN, square) * square), r, r);
  const swapped = (octant & 2) !== 0;
  out[0] = (octant & 4 ? -1 : 1) * (swapped ? cos : sin);
  out[1] = ((octant - 2) & 4 ? 1 : -1) * (swapped ? sin : cos);
}
