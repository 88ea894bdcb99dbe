/** Four unsigned 32-bit words. */
export type Words4 = [number, number, number, number];

const MULTIPLIER_A = 0xd2511f53;
const MULTIPLIER_B = 0xcd9e8d57;
const WEYL_A = 0x9e3779b9;
const WEYL_B = 0xbb67ae85;

/** High 32 bits of the product of two unsigned 32-bit words. */
function multiplyHigh(a: number, b: number): number {
  const [aLow, aHigh] = [a & 0xffff, a >>> 16];
  const [bLow, bHigh] = [b & 0xffff, b >>> 16];
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  return (aHigh * bHigh + Math.floor((middle + aLow * bHigh) / 0x10000)) >>> 0;
}

/**
 * Philox4x32-10: a random function of (counter, key), after Salmon et al., "Parallel random numbers: as easy as 1, 2, 3"
 * (SC 2011). The same generator as TensorFlow's, so that both can give the same numbers.
 *
 * @param counter Which block of numbers; words are taken modulo 2^32.
 * @param key0 First word of the key.
 * @param key1 Second word of the key.
 * @returns Four unsigned words.
 *
 * @example
 * philox4x32([0, 0, 0, 0], 0, 0)[0].toString(16); // '6627e8d5'
 */
export function philox4x32(counter: Readonly<Words4>, key0: number, key1: number): Words4 {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = [key0 >>> 0, key1 >>> 0];
  c0 >>>= 0;
  c2 >>>= 0;
  for (let round = 0; round < 10; round++) {
    const a = multiplyHigh(MULTIPLIER_A, c0);
    const b = multiplyHigh(MULTIPLIER_B, c2);
    const aLow = Math.imul(MULTIPLIER_A, c0) >>> 0;
    const bLow = Math.imul(MULTIPLIER_B, c2) >>> 0;
    c0 = (b ^ c1 ^ k0) >>> 0;
    c1 = bLow;
    c2 = (a ^ c3 ^ k1) >>> 0;
    c3 = aLow;
    k0 = (k0 + WEYL_A) >>> 0;
    k1 = (k1 + WEYL_B) >>> 0;
  }
  return [c0, c1, c2, c3];
}
