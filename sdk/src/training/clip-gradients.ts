import { tf } from '../tensorflow';

/** Gradients by parameter name. */
export type Gradients = ReadonlyMap<string, tf.Tensor>;

/** What `clipGradients` returns. The caller owns the tensors. */
export interface ClippedGradients {
  /** Scaled copies, by name. */
  gradients: Map<string, tf.Tensor>;
  /** L2 norm of all gradients together, before clipping; not finite when a gradient is not. */
  norm: number;
}

/** L2 norm of all gradients together. Reads one number from the device. */
export function globalNorm(gradients: Gradients): number {
  if (gradients.size === 0) return 0;
  return tf.tidy(() => {
    const squares = Array.from(gradients.values(), (gradient) => tf.sum(tf.square(gradient)));
    return Math.sqrt(tf.addN(squares).dataSync()[0]);
  });
}

/**
 * Scales gradients down together so that their global norm is at most `maxNorm`, by PyTorch's rule: times
 * min(1, maxNorm / (norm + 1e-6)).
 *
 * A norm that is not finite gives gradients that are not: skip the step then (`AdamW.step` is not called).
 *
 * @param maxNorm Largest norm, positive; Infinity clips nothing.
 *
 * @example
 * const { gradients, norm } = clipGradients(new Map([['w', tf.tensor1d([3, 4])]]), 1); // norm 5, [0.6, 0.8]
 */
export function clipGradients(gradients: Gradients, maxNorm: number): ClippedGradients {
  if (!(maxNorm > 0)) {
    throw new Error(`Cannot clip gradients as maxNorm must be positive: ${maxNorm}`);
  }
  const norm = globalNorm(gradients);
  const scale = Math.min(1, maxNorm / (norm + 1e-6));
  const scaled = [...gradients].map(([name, gradient]): [string, tf.Tensor] => [
    name,
    scale === 1 ? gradient.clone() : tf.mul(gradient, scale),
  ]);
  return { gradients: new Map(scaled), norm };
}
