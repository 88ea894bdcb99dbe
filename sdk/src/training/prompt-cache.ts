import { tf } from '../tensorflow';
import type { TrainablePipeline } from './trainable-pipeline';

/**
 * Keeps embeddings of prompts, so that a prompt that comes again is not embedded again. The text
 * encoder is not trained, so they stay right. The longest unused go first when there is too much.
 */
export class PromptCache {
  readonly #embeddings = new Map<string, tf.Tensor2D>();
  #bytes = 0;

  /** @param maxBytes Most memory to keep. Default 256 MB. */
  constructor(readonly maxBytes = 256e6) {}

  /** The embedding of a prompt, (L, D). It stays the cache's: use it before the next `trim`. */
  embed(pipeline: TrainablePipeline, prompt: string): tf.Tensor2D {
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
      this.#bytes -= 4 * embedding.size;
      embedding.dispose();
    }
  }

  /** Number of prompts kept. */
  get size(): number {
    return this.#embeddings.size;
  }

  dispose(): void {
    tf.dispose([...this.#embeddings.values()]);
    this.#embeddings.clear();
    this.#bytes = 0;
  }

  #encode(pipeline: TrainablePipeline, prompt: string): tf.Tensor2D {
    const { max_sequence_length: maxSequenceLength } = pipeline.modelConfig.pipeline;
    const { embeds, mask } = pipeline.encodePrompt([prompt], { maxSequenceLength });
    const embedding = tf.keep(tf.squeeze(embeds, [0]) as tf.Tensor2D);
    tf.dispose([embeds, mask]);
    this.#bytes += 4 * embedding.size;
    return embedding;
  }
}
