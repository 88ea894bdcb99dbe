import { frozenGraphsElsewhere } from '../models/frozen-graph';
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
 *
 * @example
 * const cache = new PromptCache();
 * await cache.load(pipeline, ['a red circle', 'a red circle']);
 * cache.size; // 1
 * cache.dispose();
 */
export class PromptCache {
  readonly #embeddings = new Map<string, PromptEmbeddings>();
  readonly #loading = new Map<string, Promise<void>>();
  #bytes = 0;
  #isDisposed = false;

  /** @param maxBytes Most memory to keep. Default 256 MB. */
  constructor(readonly maxBytes = 256e6) {}

  /** Embeds the prompts that are not kept, one after the other, on another thread where the pipeline's encoder is one of ours. */
  async load(pipeline: EmbeddingPipeline, prompts: readonly string[]): Promise<void> {
    for (const prompt of prompts) {
      if (this.#embeddings.has(prompt)) continue;
      const others = this.#loading.get(prompt);
      await (others ?? this.#load(pipeline, prompt));
    }
  }

  /** The embeddings of one prompt. They stay the cache's: use them before the next `trim`. */
  embed(pipeline: EmbeddingPipeline, prompt: string): PromptEmbeddings {
    const embedding = this.#embeddings.get(prompt) ?? this.#keep(prompt, encode(pipeline, prompt));
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

  /** Lets go of all embeddings; those that are still being made are let go of when they come. */
  dispose(): void {
    this.#isDisposed = true;
    for (const embedding of this.#embeddings.values()) disposeEmbeddings(embedding);
    this.#embeddings.clear();
    this.#bytes = 0;
  }

  async #load(pipeline: EmbeddingPipeline, prompt: string): Promise<void> {
    const loading = frozenGraphsElsewhere(() => ({ ...encode(pipeline, prompt) })).then(
      (embedding) => {
        // A rollout that was begun ahead may go on when its trainer is gone.
        if (this.#isDisposed || this.#embeddings.has(prompt)) disposeEmbeddings(embedding);
        else this.#keep(prompt, embedding);
      },
    );
    this.#loading.set(prompt, loading);
    try {
      await loading;
    } finally {
      this.#loading.delete(prompt);
    }
  }

  #keep(prompt: string, embedding: PromptEmbeddings): PromptEmbeddings {
    const { embeds, mask, pooled } = embedding;
    for (const tensor of [embeds, mask, pooled]) if (tensor) tf.keep(tensor);
    this.#embeddings.set(prompt, embedding);
    this.#bytes += bytesOf(embedding);
    return embedding;
  }
}

function encode(pipeline: EmbeddingPipeline, prompt: string): PromptEmbeddings {
  const { max_sequence_length: maxSequenceLength } = pipeline.modelConfig.pipeline;
  return pipeline.encodePrompt([prompt], { maxSequenceLength });
}

function bytesOf({ embeds, mask, pooled }: PromptEmbeddings): number {
  return 4 * (embeds.size + mask.size + (pooled?.size ?? 0));
}
