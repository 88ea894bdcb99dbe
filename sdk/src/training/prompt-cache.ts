import { disposeEmbeddings, type PromptEmbeddings } from '../pipelines';
import { tf } from '../tensorflow';
import type { TrainablePipeline } from './trainable-pipeline';

/** What embedding prompts needs of a pipeline. */
export type EmbeddingPipeline = Pick<
  TrainablePipeline,
  'modelConfig' | 'masksPadding' | 'encodePrompt'
>;

/**
 * Keeps embeddings of prompts, so that a prompt that comes again is not embedded again. The text
 * encoder is not trained, so they stay right. The longest unused go first when there is too much.
 */
export class PromptCache {
  readonly #embeddings = new Map<string, PromptEmbeddings>();
  #bytes = 0;

  /** @param maxBytes Most memory to keep. Default 256 MB. */
  constructor(readonly maxBytes = 256e6) {}

  /** The embeddings of one prompt. They stay the cache's: use them before the next `trim`. */
  embed(pipeline: EmbeddingPipeline, prompt: string): PromptEmbeddings {
    const known = this.#embeddings.get(prompt);
    const embedding = known ?? this.#encode(pipeline, prompt);
    this.#embeddings.delete(prompt);
    this.#embeddings.set(prompt, embedding);
    return embedding;
  }

  /** Lets go of the longest unused embeddings beyond `maxBytes`. */
  trim(): void {
    for (const [prompt, embedding] of this.#embeddings) {
      if (this.#bytes <= this.maxBytes) return;
      this.#embeddings.delete(prompt);
      this.#bytes -= bytesOf(embedding);
      disposeEmbeddings(embedding);
    }
  }

  /** Number of prompts kept. */
  get size(): number {
    return this.#embeddings.size;
  }

  /** Tokens of the longest prompt kept. */
  get longest(): number {
    const lengths = [...this.#embeddings.values()].map(({ embeds }) => embeds.shape[1] ?? 0);
    return Math.max(0, ...lengths);
  }

  dispose(): void {
    for (const embedding of this.#embeddings.values()) disposeEmbeddings(embedding);
    this.#embeddings.clear();
    this.#bytes = 0;
  }

  #encode(pipeline: EmbeddingPipeline, prompt: string): PromptEmbeddings {
    const { max_sequence_length: maxSequenceLength } = pipeline.modelConfig.pipeline;
    const embedding = pipeline.encodePrompt([prompt], { maxSequenceLength });
    const { embeds, mask, pooled } = embedding;
    for (const tensor of [embeds, mask, pooled]) if (tensor) tf.keep(tensor);
    this.#bytes += bytesOf(embedding);
    return embedding;
  }
}

function bytesOf({ embeds, mask, pooled }: PromptEmbeddings): number {
  return 4 * (embeds.size + mask.size + (pooled?.size ?? 0));
}
