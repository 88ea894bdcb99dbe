import type {
  DiffusionModelConfigInput,
  EvaluationOptions,
  LoggedReport,
  RolloutPipeline,
  Trainer,
} from '@flowbook/sdk';

/** A recipe's name in results, as '01-flow-grpo'. */
export function recipeName({ number, name }: Pick<FullRecipe, 'number' | 'name'>): string {
  return `${number}-${name}`;
}

/** What every full run of a recipe sets for its trainer. */
export interface CommonSettings {
  seed: number;
  steps: number;
  evaluation: EvaluationOptions;
  /** 'shuffled' in the control. Default: the objective's own. */
  advEstimator?: string;
  resume: 'auto';
  runDirectory: string;
}

/** A trainer with what it holds. */
export type FullTrainer = Trainer<LoggedReport> & { dispose(): void };

/** Tiny Qwen-Image as recipes load it. */
export function tinyQwenImage(
  algorithm: string,
  algo?: DiffusionModelConfigInput['algo'],
): Pick<FullRecipe, 'model' | 'pipeline'> {
  return {
    model: 'datasets/tiny-qwen-image',
    pipeline: {
      algorithm,
      pipeline: { height: 64, width: 64, num_inference_steps: 10, true_cfg_scale: 1 },
      ...(algo === undefined ? {} : { algo }),
    },
  };
}

/** Tiny Stable Diffusion 3 as recipes load it. */
export function tinyStableDiffusion3(algorithm: string): Pick<FullRecipe, 'model' | 'pipeline'> {
  return {
    model: 'datasets/tiny-sd3',
    pipeline: {
      algorithm,
      pipeline: {
        height: 64,
        width: 64,
        num_inference_steps: 10,
        guidance_scale: 1,
        max_sequence_length: 24,
      },
    },
  };
}

/** A recipe's full run, or one that it is compared with: a model, and how it is trained. */
export interface FullRecipe {
  /** Of the notebook, as '01'. */
  number: string;
  /** Of the notebook, as 'flow-grpo'. */
  name: string;
  /** What stands against the recipe of this number, in words. It has no notebook and no control of its own. */
  comparison?: string;
  /** Folder of the repository. */
  model: string;
  pipeline: Omit<DiffusionModelConfigInput, 'path'>;
  steps: number;
  /** What differs from the trainer's defaults, as result files show it. */
  settings: Readonly<Record<string, unknown>>;
  trainer(pipeline: RolloutPipeline, common: CommonSettings): FullTrainer;
}
