import { setImmediate } from 'node:timers/promises';
import { compile, tf } from '../tensorflow';
import { weightGroups } from './weight-groups';

/** Gradients by parameter name. */
export type Gradients = ReadonlyMap<string, tf.Tensor>;

/** What `clipGradients` returns. The caller owns the tensors. */
export interface ClippedGradients {
  /** Scaled copies, by name. */
  gradients: Map<string, tf.Tensor>;
  /** L2 norm of all gradients together, before clipping; not finite when a gradient is not. */
  norm: number;
}

/**
 * L2 norm of all gradients together. Reads one number from the device.
 *
 * @example
 * globalNorm(new Map([['a', tf.tensor1d([3])], ['b', tf.tensor1d([4])]])); // 5
 */
export function globalNorm(gradients: Gradients): number {
  if (gradients.size === 0) return 0;
  return tf.tidy(() => atOnce(norming(gradients)).dataSync()[0]);
}

const sumsOfSquares = compile(
  (gradients: tf.Tensor[]) => gradients.map((gradient) => tf.sum(tf.square(gradient))),
  { name: 'sumsOfSquares', xla: false, maxSignatures: 64 },
);

const scaled = compile(
  (gradients: tf.Tensor[], scale: tf.Tensor) => gradients.map((one) => tf.mul(one, scale)),
  { name: 'clipGradients', xla: false, maxSignatures: 64 },
);

/** What a graph gives of each gradient; halts after each group. The caller owns the tensors; nothing is left where it throws. */
function* inGroups(
  gradients: Gradients,
  compute: (group: tf.Tensor[]) => tf.Tensor[],
): Generator<void, Map<string, tf.Tensor>> {
  const results = new Map<string, tf.Tensor>();
  try {
    for (const names of weightGroups(gradients)) {
      const group = names.map((name) => gradients.get(name) as tf.Tensor);
      compute(group).forEach((result, k) => results.set(names[k], result));
      yield;
    }
  } catch (error) {
    tf.dispose([...results.values()]);
    throw error;
  }
  return results;
}

function* norming(gradients: Gradients): Generator<void, tf.Scalar> {
  const sums = yield* inGroups(gradients, (group) => sumsOfSquares(group));
  try {
    return tf.tidy(() => tf.sqrt(tf.addN([...sums.values()])) as tf.Scalar);
  } finally {
    tf.dispose([...sums.values()]);
  }
}

function* clipping(gradients: Gradients, maxNorm: number): Generator<void, ClippedGradients> {
  if (!(maxNorm > 0)) {
    throw new Error(`Cannot clip gradients as maxNorm must be positive: ${maxNorm}`);
  }
  if (gradients.size === 0) return { gradients: new Map(), norm: 0 };
  const own: tf.Tensor[] = [];
  try {
    const total = yield* norming(gradients);
    own.push(total);
    const scale = tf.tidy(() =>
      tf.minimum(1, tf.div(tf.scalar(maxNorm, 'float32'), tf.add(total, 1e-6))),
    );
    own.push(scale);
    const [norm] = total.dataSync();
    return { gradients: yield* inGroups(gradients, (group) => scaled(group, scale)), norm };
  } finally {
    tf.dispose(own);
  }
}

/** Goes on wherever it halts. */
function atOnce<Result>(work: Generator<void, Result>): Result {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

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
  return atOnce(clipping(gradients, maxNorm));
}

/** `clipGradients` with other work in between, so that the event loop is not kept. The result is the same to the last bit. */
export async function clipGradientsInSlices(
  gradients: Gradients,
  maxNorm: number,
): Promise<ClippedGradients> {
  const work = clipping(gradients, maxNorm);
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
    await setImmediate();
  }
}
