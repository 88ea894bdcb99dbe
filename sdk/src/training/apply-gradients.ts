import { tf } from '../tensorflow';
import type { AdamW } from './adamw';
import { clipGradients, type Gradients } from './clip-gradients';
import type { WeightAverage } from './weight-average';

/** What is updated, and by what. */
export interface Learner {
  optimizer: AdamW;
  /** Follows the weights, when there is one. */
  average: WeightAverage | null;
}

/**
 * One update of the weights: clips the gradients together and steps the optimizer, unless their norm is not finite.
 *
 * @returns The norm before clipping.
 */
export function applyGradients(
  { optimizer, average }: Learner,
  gradients: Gradients,
  maxGradNorm: number,
): number {
  const clipped = clipGradients(gradients, maxGradNorm);
  try {
    if (Number.isFinite(clipped.norm)) {
      optimizer.step(clipped.gradients);
      average?.update();
    }
  } finally {
    tf.dispose([...clipped.gradients.values()]);
  }
  return clipped.norm;
}
