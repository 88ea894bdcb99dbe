import { tf } from '@flowbook/sdk';
import type { ReferencePython } from '../reference/reference-python';

/** Matrix products that transformers have, as (m, k, n). */
const SHAPES = [
  [2048, 2048, 2048],
  [1024, 1024, 4096],
  [640, 512, 2048],
] as const;

/** The most that both sides' matrix products reach, in GFLOP/s. */
export interface ProductRates {
  flowbook: number;
  eager: number;
}

/** Flowbook's: best of several products of each shape. */
function ownRate(): number {
  let best = 0;
  for (const [m, k, n] of SHAPES) {
    const [a, b] = [tf.randomNormal([m, k]), tf.randomNormal([k, n])];
    for (let run = 0; run < 4; run++) {
      const begin = performance.now();
      const product = tf.matMul(a, b);
      const ms = performance.now() - begin;
      product.dispose();
      best = Math.max(best, (2 * m * k * n) / ms / 1e6);
    }
    tf.dispose([a, b]);
  }
  return best;
}

/**
 * Measures both sides, one after the other.
 *
 * @param before What was reached earlier in the run: the larger rate counts.
 */
export async function productRates(
  peer: ReferencePython,
  before: ProductRates = { flowbook: 0, eager: 0 },
): Promise<ProductRates> {
  return {
    flowbook: Math.max(before.flowbook, ownRate()),
    eager: Math.max(before.eager, await peer.call<number>('rows.product_rate', { shapes: SHAPES })),
  };
}
