import type {
  DiffusionModelConfigInput,
  EvaluationOptions,
  LoggedReport,
  RolloutPipeline,
  Trainer,
} from '@flowbook/sdk';

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

/** A recipe's full run: a model, and how it is trained. */
export interface FullRecipe {
  /** Of the notebook, as '01'. */
  number: string;
  /** Of the notebook, as 'flow-grpo'. */
  name: string;
  /** Folder of the repository. */
  model: string;
  pipeline: Omit<DiffusionModelConfigInput, 'path'>;
  steps: number;
  /** What differs from the trainer's defaults, as result files show it. */
  settings: Readonly<Record<string, unknown>>;
  trainer(pipeline: RolloutPipeline, common: CommonSettings): FullTrainer;
}
