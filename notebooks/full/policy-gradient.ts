import { FlowGRPOTrainer, type FlowGRPOOptions } from '@flowbook/sdk';
import { partialCredit } from './prompts';
import { tinyQwenImage, type FullRecipe } from './recipe';

/** What a recipe of FlowGRPO's family is made from. */
export interface PolicyGradientRecipe {
  number: string;
  name: string;
  steps: number;
  settings: Partial<FlowGRPOOptions> & { noiseLevel: number };
}

/** A full run on all weights of tiny Qwen-Image, with partial credit, by FlowGRPO or a relative that is a matter of settings. */
export function policyGradientRecipe({
  number,
  name,
  steps,
  settings,
}: PolicyGradientRecipe): FullRecipe {
  return {
    number,
    name,
    ...tinyQwenImage('flow_grpo', {
      noise_level: settings.noiseLevel,
      sde_type: settings.sdeType ?? 'sde',
    }),
    steps,
    settings: { ...settings },
    trainer: (pipeline, common) =>
      new FlowGRPOTrainer(pipeline, {
        ...partialCredit(),
        ...settings,
        ...common,
      }),
  };
}
