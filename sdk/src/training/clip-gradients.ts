import { compile, tf } from '../tensorflow';

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
  return tf.tidy(() => normOf([...gradients.values()]).dataSync()[0]);
}

function normOf(gradients: readonly tf.Tensor[]): tf.Scalar {
  return tf.sqrt(tf.addN(gradients.map((gradient) => tf.sum(tf.square(gradient))))) as tf.Scalar;
}

const clipTogether = compile(
  (gradients: tf.Tensor[], maxNorm: tf.Scalar) => {
    const norm = normOf(gradients);
    const scale = tf.minimum(1, tf.div(maxNorm, tf.add(norm, 1e-6)));
    return { norm, clipped: gradients.map((gradient) => tf.mul(gradient, scale)) };
  },
  { name: 'clipGradients', xla: false },
);

/**
 * Scales gradients down together so that their global norm is at most `maxNorm`, by PyTorch's rule: times
 * min(1, maxNorm / (norm + 1e-6)).
 *
 * A norm that is not finite gives gradients that are not: do not call `AdamW.step` then.
 *
 * @param maxNorm Largest norm, positive; Infinity clips nothing.
 *
 * @example
 * const { gradients, norm } = clipGradients(new Map([['w', tf.tensor1d([3, 4])]]), 1);
 * norm; // 5
 * gradients.get('w'); // [0.6, 0.8]
 */
export function clipGradients(gradients: Gradients, maxNorm: number): ClippedGradients {
  if (!(maxNorm > 0)) {
    throw new Error(`Cannot clip gradients as maxNorm must be positive: ${maxNorm}`);
  }
  if (gradients.size === 0) return { gradients: new Map(), norm: 0 };
  const { norm, clipped } = tf.tidy(() =>
    clipTogether([...gradients.values()], tf.scalar(maxNorm, 'float32')),
  );
  const names = [...gradients.keys()];
  const [value] = norm.dataSync();
  norm.dispose();
  return { gradients: new Map(names.map((name, k) => [name, clipped[k]])), norm: value };
}
