import { readFileSync } from 'node:fs';
import {
  DiffusionModelConfig,
  FlowMatchEulerDiscreteScheduler,
  SD3Transformer2DModel,
  StableDiffusion3DPO,
  checkPairs,
  selectPairs,
} from '@flowbook/sdk';
import { Comparison } from '../comparison';
import type { CaseResult, FamilyCheck, GoldenCase } from '../golden-case';
import { checkDpoTraining, compareTimes } from '../parts/dpo-training';

/** Draws to places in the training schedule. */
function checkTimes(goldenCase: GoldenCase): CaseResult {
  const { json, tensor } = goldenCase;
  const comparison = new Comparison();
  const config = readFileSync(goldenCase.path(`${json.model}/scheduler_config.json`), 'utf8');
  const scheduler = FlowMatchEulerDiscreteScheduler.fromConfig(JSON.parse(config) as object);
  compareTimes(comparison, scheduler, tensor('normal_draw'), {
    u: [tensor('u'), json.tolerance.atol],
    indices: [tensor('index'), 0],
    timesteps: [tensor('timestep'), 1e-3],
    sigmas: [tensor('sigma'), json.tolerance.atol],
  });
  return comparison.result();
}

/** Scores to pairs. */
function checkSelection({ json }: GoldenCase): CaseResult {
  const comparison = new Comparison();
  for (const [at, { uid, scores, selected_indices }] of json.subcases.entries()) {
    const selected = selectPairs(uid, scores);
    comparison.equal(`pairs ${at}`, selected, selected_indices);
    checkPairs(
      selected.map((row) => uid[row]),
      selected.map((row) => scores[row]),
    );
  }
  return comparison.result();
}

async function checkTraining(goldenCase: GoldenCase): Promise<CaseResult> {
  const { json } = goldenCase;
  const modelConfig = DiffusionModelConfig.from({
    path: goldenCase.path(json.model),
    algorithm: 'dpo',
    pipeline: { guidance_scale: json.guidance_scale ?? null },
  });
  const scheduler = StableDiffusion3DPO.buildScheduler(modelConfig);
  const transformer = SD3Transformer2DModel.fromPretrained(goldenCase.path(json.model));
  try {
    transformer.loadLora(goldenCase.path(json.lora));
    return await checkDpoTraining(goldenCase, { transformer, modelConfig }, scheduler);
  } finally {
    transformer.dispose();
  }
}

/** Diffusion-DPO of Stable Diffusion 3: draws, pairs, predictions, and training of adapters. */
export const check: FamilyCheck = async (goldenCase) => {
  const { json } = goldenCase;
  if (json.subcases !== undefined) return checkSelection(goldenCase);
  if (json.log === undefined) return checkTimes(goldenCase);
  return checkTraining(goldenCase);
};
