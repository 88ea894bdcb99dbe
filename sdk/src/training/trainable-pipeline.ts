import type { DiffusionModelConfig } from '../config';
import type {
  DiffusionOutput,
  PromptEmbeddings,
  RolloutOptions,
  RolloutRequest,
  TrainableModel,
} from '../pipelines';

/** What training needs of a rollout pipeline: every `RolloutPipeline` is one. */
export interface TrainablePipeline {
  readonly modelConfig: DiffusionModelConfig;
  readonly transformer: TrainableModel;
  /** The transformer as one compiled graph: same weights, same predictions to float32 noise. */
  readonly compiledTransformer: TrainableModel;
  /** Whether the transformer leaves padded tokens out, so that embeddings may be padded to any length. */
  readonly masksPadding: boolean;
  /** The scale of classifier-free guidance among the two that settings hold; off at 1 and below. */
  cfgScale(settings: { trueCfgScale: number; guidanceScale: number }): number;
  /** Embeds prompts; the caller owns the tensors. */
  encodePrompt(
    prompts: readonly string[],
    options?: { maxSequenceLength?: number },
  ): PromptEmbeddings;
  /**
   * Rolls out: pictures, and what training on them needs. The caller owns the tensors.
   *
   * @throws The signal's reason once it is aborted.
   */
  forward(req: RolloutRequest, options?: RolloutOptions): Promise<DiffusionOutput>;
}
