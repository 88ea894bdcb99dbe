import type { DiffusionModelConfig } from '../config';
import type { RandomKey } from '../core/random-key';
import type {
  DiffusionOutput,
  ForwardOptions,
  ModelMixin,
  PromptEmbeddings,
  RolloutRequest,
} from '../pipelines';
import type { tf } from '../tensorflow';

/** A denoising model whose weights can be trained. */
export interface TrainableModel extends ModelMixin {
  /** Adapters when there are any, else all weights, by name. */
  trainableVariables(): Map<string, tf.Variable>;
  addLora(options: {
    rank: number;
    alpha?: number;
    targetModules?: string | string[];
    key: RandomKey;
  }): void;
}

/** What training needs of a rollout pipeline: `QwenImagePipelineWithLogProb` is one. */
export interface TrainablePipeline {
  readonly modelConfig: DiffusionModelConfig;
  readonly transformer: TrainableModel;
  encodePrompt(
    prompts: readonly string[],
    options?: { maxSequenceLength?: number },
  ): PromptEmbeddings;
  forward(req: RolloutRequest, options?: ForwardOptions): Promise<DiffusionOutput>;
}
