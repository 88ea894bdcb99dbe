import { backendInfo } from './backend';
import { hasProductsBy } from './processor';

/** Instructions by which TensorFlow multiplies bfloat16. */
const INSTRUCTIONS = ['avx512_bf16', 'amx_bf16'];

let isFast: boolean | null = null;

/**
 * Whether products of bfloat16 are left to TensorFlow, which takes the device's instructions for them. Its way without such
 * instructions cuts results off where they have to be rounded.
 */
export function multipliesBfloat16(): boolean {
  isFast ??= backendInfo().device === 'CUDA' || hasProductsBy(INSTRUCTIONS);
  return isFast;
}

let isSaid = false;

/** Says on stderr, once in a process, that bfloat16 is slow here, if there are no instructions for its products. */
export function announceSlowBfloat16(isSlow = !multipliesBfloat16()): void {
  if (!isSlow || isSaid) return;
  isSaid = true;
  process.stderr.write(
    'flowbook: bfloat16 is slower than float32 here, as TensorFlow has no bfloat16 products on this processor; it takes half the memory\n',
  );
}
