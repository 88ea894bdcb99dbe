import { tf } from '../tensorflow';
import type { AdamW } from './adamw';
import { clipGradientsInSlices, type Gradients } from './clip-gradients';
import { whereNotFinite, type NotFiniteLog } from './not-finite';
import type { WeightAverage } from './weight-average';

/** What is updated, and by what. */
export interface Learner {
  optimizer: AdamW;
  /** Follows the weights, when there is one. */
  average: WeightAverage | null;
  /** Told of gradients that are not finite. Default: they are left out without a word. */
  notFinite?: NotFiniteLog | null;
}

/**
 * One update of the weights: clips the gradients together and steps the optimizer, unless their norm is not finite.
 *
 * @returns The norm before clipping.
 * @throws When it is not finite and that is to stop the run.
 *
 * @example
 * const w = tf.variable(tf.tensor1d([1]));
 * const optimizer = new AdamW(new Map([['w', w]]), { lr: 0.1, weightDecay: 0 });
 * await applyGradients({ optimizer, average: null }, new Map([['w', tf.tensor1d([3])]]), 1); // 3
 * w; // [0.9]
 */
export async function applyGradients(
  { optimizer, average, notFinite = null }: Learner,
  gradients: Gradients,
  maxGradNorm: number,
): Promise<number> {
  const clipped = await clipGradientsInSlices(gradients, maxGradNorm);
  try {
    if (Number.isFinite(clipped.norm)) {
      await optimizer.stepAsync(clipped.gradients);
      average?.update();
    } else {
      notFinite?.note(
        `the gradient of ${whereNotFinite(gradients) ?? 'all weights together'} is not finite`,
      );
    }
  } finally {
    tf.dispose([...clipped.gradients.values()]);
  }
  return clipped.norm;
}
