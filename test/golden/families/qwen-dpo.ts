import { DiffusionModelConfig, QwenImageDPO, QwenImageTransformer2DModel } from '@flowbook/sdk';
import type { FamilyCheck } from '../golden-case';
import { checkDpoTraining } from '../parts/dpo-training';

/** Diffusion-DPO of Qwen-Image: noised pairs, predictions, and training of adapters. */
export const check: FamilyCheck = async (goldenCase) => {
  const { model, lora, height, width, true_cfg_scale } = goldenCase.json;
  const path = goldenCase.path(model);
  const modelConfig = DiffusionModelConfig.from({
    path,
    algorithm: 'dpo',
    pipeline: { height, width, true_cfg_scale },
  });
  const transformer = QwenImageTransformer2DModel.fromPretrained(path);
  try {
    transformer.loadLora(goldenCase.path(lora));
    const scheduler = QwenImageDPO.buildScheduler(modelConfig);
    return await checkDpoTraining(goldenCase, { transformer, modelConfig }, scheduler);
  } finally {
    transformer.dispose();
  }
};
