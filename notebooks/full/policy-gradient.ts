import { FlowGRPOTrainer, type FlowGRPOOptions } from '@flowbook/sdk';
import { trainPrompts } from './prompts';
import type { FullRecipe } from './recipe';

/** What a recipe of FlowGRPO's family is made from. */
export interface PolicyGradientRecipe {
  number: string;
  name: string;
  steps: number;
  settings: Partial<FlowGRPOOptions> & { noiseLevel: number };
  /** The transition. Default 'sde'. */
  sdeType?: string;
}

/** A full run on all weights of tiny Qwen-Image, with partial credit, by FlowGRPO or a relative that is a matter of settings. */
export function policyGradientRecipe({
  number,
  name,
  steps,
  settings,
  sdeType = 'sde',
}: PolicyGradientRecipe): FullRecipe {
  return {
    number,
    name,
    model: 'datasets/tiny-qwen-image',
    pipeline: {
      algorithm: 'flow_grpo',
      pipeline: { height: 64, width: 64, num_inference_steps: 10, true_cfg_scale: 1 },
      algo: { noise_level: settings.noiseLevel, sde_type: sdeType },
    },
    steps,
    settings: { ...settings },
    trainer: (pipeline, common) =>
      new FlowGRPOTrainer(pipeline, {
        prompts: trainPrompts(),
        reward: 'shapes',
        monitors: { exact: 'shapes_exact' },
        ...settings,
        ...common,
      }),
  };
}
