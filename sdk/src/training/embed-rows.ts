import {
  disposeEmbeddings,
  padEmbeddings,
  repeatEmbeddings,
  type PromptEmbeddings,
} from '../pipelines';
import { tf } from '../tensorflow';
import type { EmbeddingPipeline, PromptCache } from './prompt-cache';

/**
 * Embeddings of all groups' rows: every prompt is embedded once.
 *
 * @param prompts One a group.
 * @param groupSize Rows of a group.
 * @param padTokensTo Lengths are a multiple of it, where the transformer leaves padding out.
 * @returns (B, L, D) with B = prompts times groupSize; the caller owns them.
 *
 * @example
 * const prompts = ['a red circle', 'a blue square'];
 * embedRows(pipeline, new PromptCache(), prompts, { groupSize: 3, padTokensTo: 8 }).embeds.shape[0]; // 6
 */
export function embedRows(
  pipeline: EmbeddingPipeline,
  cache: PromptCache,
  prompts: readonly string[],
  { groupSize, padTokensTo }: { groupSize: number; padTokensTo: number },
): PromptEmbeddings {
  const embeddings = prompts.map((prompt) => cache.embed(pipeline, prompt));
  const longest = Math.max(...embeddings.map(({ mask }) => mask.shape[1]));
  const multiple = pipeline.masksPadding ? padTokensTo : 1;
  const joined = joinEmbeddings(embeddings, Math.ceil(longest / multiple) * multiple);
  const rows = repeatEmbeddings(joined, groupSize);
  disposeEmbeddings(joined);
  return rows;
}

/** Lays embeddings of single prompts one after the other, `length` tokens each. */
function joinEmbeddings(embeddings: readonly PromptEmbeddings[], length: number): PromptEmbeddings {
  const rows = embeddings.map(({ embeds }) => tf.squeeze(embeds, [0]) as tf.Tensor2D);
  const joined = padEmbeddings(rows, length);
  tf.dispose(rows);
  const pooled = embeddings.flatMap((one) => one.pooled ?? []);
  return pooled.length === 0 ? joined : { ...joined, pooled: tf.concat(pooled) };
}
