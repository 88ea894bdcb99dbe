import { resolve } from 'node:path';
import {
  assignAll,
  evaluatePolicy,
  loadPipeline,
  readSafetensors,
  tf,
  type RolloutPipeline,
} from '@flowbook/sdk';
import { heldOutEvaluation, heldOutOf, type HeldOut } from './held-out';
import { ROOT } from './places';
import type { FullRecipe } from './recipe';

/** Loads the model that a recipe starts from. */
export function loadModel({ model, pipeline }: FullRecipe): Promise<RolloutPipeline> {
  return loadPipeline<RolloutPipeline>(resolve(ROOT, model), pipeline);
}

/**
 * Held-out accuracy of a recipe's model, with the weights of a safetensors file in the place of its own where there is one.
 */
export async function evaluateWeights(
  recipe: FullRecipe,
  weightsPath: string | null,
  signal: AbortSignal | null,
): Promise<HeldOut> {
  const pipeline = await loadModel(recipe);
  try {
    if (weightsPath !== null) {
      const values = readSafetensors(weightsPath);
      assignAll(pipeline.transformer.trainableVariables(), values);
      tf.dispose([...values.values()]);
    }
    const how = { reward: 'shapes', microBatchSize: 186, compile: true, padTokensTo: 16 };
    return heldOutOf(await evaluatePolicy(pipeline, heldOutEvaluation(), how, signal));
  } finally {
    pipeline.dispose();
  }
}
