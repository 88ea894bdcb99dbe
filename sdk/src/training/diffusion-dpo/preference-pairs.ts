import type { PixelImage } from '../../core/pixel-image';
import { disposeEmbeddings, embeddingFields, type RolloutPipeline } from '../../pipelines';
import { tf } from '../../tensorflow';
import { embedRows } from '../embed-rows';
import type { EmbeddingPipeline, PromptCache } from '../prompt-cache';

/** Two pictures of one prompt, of which one is better. */
export interface PreferencePair {
  prompt: string;
  /** A picture, or its clean latents without the axis of the batch: (S, C) or (C, H, W). */
  chosen: PixelImage | tf.Tensor;
  rejected: PixelImage | tf.Tensor;
}

/** What pairs need of a pipeline. */
export type PairPipeline = EmbeddingPipeline & Pick<RolloutPipeline, 'encodeImages' | 'cfgScale'>;

/** How pairs are laid into one batch. */
export interface LayPairsOptions {
  cache: PromptCache;
  /** What guidance leads away from. */
  negativePrompt: string;
  /** Whether predictions are guided. */
  guided: boolean;
  padTokensTo: number;
}

/** Clean pairs with their words, under verl-omni's names: rows are [chosen 0, rejected 0, chosen 1, ...]. */
export interface CleanPairs {
  latents_clean: tf.Tensor;
  prompt_embeds: tf.Tensor;
  prompt_embeds_mask: tf.Tensor;
  pooled_prompt_embeds?: tf.Tensor;
  negative_prompt_embeds: tf.Tensor | null;
  negative_prompt_embeds_mask: tf.Tensor | null;
  negative_pooled_prompt_embeds?: tf.Tensor | null;
}

/** Clean latents of a picture, (1, ...); latents that are given are taken as they are. */
function latentsOf(pipeline: PairPipeline, picture: PixelImage | tf.Tensor): tf.Tensor {
  if (picture instanceof tf.Tensor) return tf.expandDims(picture, 0);
  const { width, height, data } = picture;
  const pixels = tf.tensor4d(Float32Array.from(data), [1, height, width, 3]);
  return pipeline.encodeImages(tf.sub(tf.div(tf.transpose(pixels, [0, 3, 1, 2]), 127.5), 1));
}

/** Clean latents of all pictures in their order, each (1, ...) of one shape. */
function latentsOfPairs(pipeline: PairPipeline, pairs: readonly PreferencePair[]): tf.Tensor[] {
  const all = pairs.flatMap(({ chosen, rejected }) =>
    [chosen, rejected].map((picture) => latentsOf(pipeline, picture)),
  );
  const shapes = all.map(({ shape }) => shape.slice(1).join(' x '));
  const other = shapes.findIndex((shape) => shape !== shapes[0]);
  if (other >= 0) {
    const { prompt } = pairs[Math.floor(other / 2)];
    throw new Error(
      `Cannot lay pairs into one batch as latents must be of one shape, ${shapes[0]}: ${other % 2 ? 'rejected' : 'chosen'} of "${prompt}" has ${shapes[other]}`,
    );
  }
  return all;
}

/**
 * Lays pairs into one batch: latents encoded, words embedded once for both rows.
 *
 * @returns Clean pairs; the caller owns the tensors.
 * @throws When latents differ in shape.
 */
export async function layPairs(
  pipeline: PairPipeline,
  pairs: readonly PreferencePair[],
  { cache, negativePrompt, guided, padTokensTo }: LayPairsOptions,
): Promise<CleanPairs> {
  const layout = { groupSize: 2, padTokensTo };
  const words = pairs.map(({ prompt }) => prompt);
  await cache.load(pipeline, guided ? [...words, negativePrompt] : words);
  const positive = embedRows(pipeline, cache, words, layout);
  const negative = guided
    ? embedRows(pipeline, cache, Array<string>(pairs.length).fill(negativePrompt), layout)
    : null;
  try {
    return {
      latents_clean: tf.tidy(() => tf.concat(latentsOfPairs(pipeline, pairs))),
      ...embeddingFields(positive, negative),
    };
  } catch (error) {
    disposeEmbeddings(positive);
    disposeEmbeddings(negative);
    throw error;
  }
}
