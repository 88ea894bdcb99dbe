import { resolve } from 'node:path';
import { evaluatePolicy, loadPipeline, openSafetensors, type RolloutPipeline } from '@flowbook/sdk';
import { heldOutEvaluation, heldOutOf, type HeldOut } from './held-out';
import type { FullRecipe } from './recipe';

const ROOT = resolve(__dirname, '../..');

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
    if (weightsPath !== null) putWeights(pipeline, weightsPath);
    const options = heldOutEvaluation();
    const report = await evaluatePolicy(
      pipeline,
      options,
      {
        reward: 'shapes',
        numInferenceSteps: 10,
        trueCfgScale: 1,
        guidanceScale: 1,
        negativePrompt: ' ',
        microBatchSize: 186,
        compile: true,
        padTokensTo: 16,
      },
      signal,
    );
    return heldOutOf({ ...report, usesAverage: false });
  } finally {
    pipeline.dispose();
  }
}

function putWeights(pipeline: RolloutPipeline, path: string): void {
  const file = openSafetensors(path);
  try {
    for (const [name, variable] of pipeline.transformer.trainableVariables()) {
      const tensor = file.tensor(name);
      variable.assign(tensor as never);
      tensor.dispose();
    }
  } finally {
    file.close();
  }
}
