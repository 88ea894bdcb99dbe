import { WeightCopy } from '../models';
import type { TrainableModel } from '../pipelines';
import { tf } from '../tensorflow';

/** A copy of values by name, as of a model's variables; whoever asks disposes it. */
export function copyOf(values: ReadonlyMap<string, tf.Tensor>): Map<string, tf.Tensor> {
  return new Map([...values].map(([name, value]) => [name, tf.keep(value.clone())]));
}

/**
 * Runs `work` while a model has other weights, and puts its own back; waits for a promise.
 *
 * @param weights As `copyOf` gave those of its trainable variables; null for the model's own.
 * @throws When they are another model's, by the name of what is missing or has another shape.
 */
export async function withWeights<Result>(
  model: TrainableModel,
  weights: ReadonlyMap<string, tf.Tensor> | null,
  work: () => Promise<Result>,
): Promise<Result> {
  if (weights === null) return work();
  const copy = new WeightCopy(model.trainableVariables());
  try {
    copy.load(weights);
    return await copy.use(work);
  } finally {
    copy.dispose();
  }
}
