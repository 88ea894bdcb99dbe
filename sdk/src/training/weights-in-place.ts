import { WeightCopy } from '../models';
import type { TrainableModel } from '../pipelines';
import { tf } from '../tensorflow';

/** A copy of what is trained of a model, by its variables' names; whoever asks disposes it. */
export function copyOf(model: TrainableModel): Map<string, tf.Tensor> {
  const variables = [...model.trainableVariables()];
  return new Map(variables.map(([name, variable]) => [name, tf.keep(variable.clone())]));
}

/**
 * Runs `work` while a model has other weights, and puts its own back; waits for a promise.
 *
 * @param weights As `copyOf` gave them; null for the model's own.
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
