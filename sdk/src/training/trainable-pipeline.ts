import type { DiffusionModelConfig } from '../config';
import type {
  DiffusionOutput,
  ForwardOptions,
  PromptEmbeddings,
  RolloutRequest,
  TrainableModel,
} from '../pipelines';

/** What training needs of a rollout pipeline: `QwenImagePipelineWithLogProb` is one. */
export interface TrainablePipeline {
  readonly modelConfig: DiffusionModelConfig;
  readonly transformer: TrainableModel;
  /** The transformer as one compiled graph: same weights, same predictions to float32 noise. */
  readonly compiledTransformer: TrainableModel;
  encodePrompt(
    prompts: readonly string[],
    options?: { maxSequenceLength?: number },
  ): PromptEmbeddings;
  forward(req: RolloutRequest, options?: ForwardOptions): Promise<DiffusionOutput>;
}
