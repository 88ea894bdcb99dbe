import { tf } from '../../tensorflow';
import {
  checkEmbeddings,
  checkNegatives,
  disposeEmbeddings,
  type PromptEmbeddings,
  type RequestEmbeddings,
} from '../prompt-embeddings';
import { promptRecords } from '../prompt-records';
import type { EncoderTokens, RequestPrompt, RolloutRequest } from '../rollout-request';
import type { RolloutSettings } from '../rollout-settings';
import type { SD3PromptEncoder } from '../stable-diffusion-3/prompt-encoder';
import type { SD3ForwardOptions } from './forward-options';

/** Adds the mask of ones that a batch carries: the transformer reads padding as well. */
export function withMask({
  prompt_embeds,
  pooled_prompt_embeds,
}: ReturnType<SD3PromptEncoder['encode']>): PromptEmbeddings {
  const [B, L] = prompt_embeds.shape;
  const mask = tf.ones<tf.Rank.R2>([B, L], 'int32');
  return { embeds: prompt_embeds, mask, pooled: pooled_prompt_embeds };
}

/** Embeddings that were given, or null. Throws when only one of the pair is there, or their shapes are none. */
function givenEmbeddings(
  side: string,
  embeds: tf.Tensor | null | undefined,
  pooled: tf.Tensor | null | undefined,
): PromptEmbeddings | null {
  if (!embeds && !pooled) return null;
  if (!embeds || !pooled) {
    throw new Error(
      `Cannot embed prompts as ${side} embeddings must be given with pooled ones: current value of ${embeds ? 'the pooled ones' : 'the embeddings'} is null`,
    );
  }
  checkEmbeddings(side, { embeds, pooled });
  return withMask({
    prompt_embeds: embeds.clone() as tf.Tensor3D,
    pooled_prompt_embeds: pooled.clone() as tf.Tensor2D,
  });
}

/** Texts where any says something; those that say nothing are empty then. */
function textsOf(texts: readonly (string | null | undefined)[]): string[] | null {
  return texts.some((text) => text) ? texts.map((text) => text ?? '') : null;
}

/** Token ids of all prompts, or null when any lacks them. */
function encoderTokens(
  records: readonly RequestPrompt[],
  field: 'extra_prompt_ids' | 'negative_extra_prompt_ids',
): EncoderTokens[] | null {
  const tokens = records.map((record) => record[field]);
  if (tokens.length === 0 || tokens.some((one) => !one || Object.keys(one).length === 0))
    return null;
  return tokens as EncoderTokens[];
}

function positiveOf(
  encoder: SD3PromptEncoder,
  records: readonly RequestPrompt[],
  { promptEmbeds, pooledPromptEmbeds, prompt, compat }: SD3ForwardOptions,
  maxSequenceLength: number,
): PromptEmbeddings | null {
  const given = givenEmbeddings('prompt', promptEmbeds, pooledPromptEmbeds);
  if (given !== null) return given;
  const tokens = encoderTokens(records, 'extra_prompt_ids');
  if (tokens !== null) return withMask(encoder.encodeTokens(tokens, { maxSequenceLength }));
  const named = records.map((record) => record.prompt);
  const optional = typeof prompt === 'string' ? [prompt] : (prompt ?? null);
  // verl-omni takes empty prompts for none.
  const empty = compat === 'verl-omni' || named.every((text) => typeof text !== 'string');
  const texts = textsOf(named) ?? optional ?? (empty ? null : named.map((text) => text ?? ''));
  if (texts !== null && texts.length > 0)
    return withMask(encoder.encode(texts, { maxSequenceLength }));
  if (records.some(({ prompt_token_ids, prompt_ids }) => prompt_token_ids ?? prompt_ids)) {
    throw new Error(
      'Cannot embed prompts as token ids must be given for each text encoder, as extra_prompt_ids: { clip, t5 }: current value is one list, prompt_token_ids',
    );
  }
  return null;
}

/**
 * Embeds what a request asks for: given embeddings first, then the request's token ids for the text
 * encoders, then its texts, then texts among the options. Returns null for a request without any.
 * Without a negative prompt guidance leads away from the empty one.
 *
 * @throws When there are ids for one text encoder only, or the numbers of prompts differ.
 */
export function requestEmbeddings(
  encoder: SD3PromptEncoder,
  request: RolloutRequest,
  options: SD3ForwardOptions,
  { maxSequenceLength, guidanceScale }: RolloutSettings,
): RequestEmbeddings | null {
  const records = promptRecords(request);
  const positive = positiveOf(encoder, records, options, maxSequenceLength);
  if (positive === null || guidanceScale <= 1) return positive && { positive, negative: null };
  const B = positive.embeds.shape[0];
  const negativeOf = (): PromptEmbeddings => {
    const { negativePromptEmbeds, negativePooledPromptEmbeds, negativePrompt } = options;
    const given = givenEmbeddings('negative', negativePromptEmbeds, negativePooledPromptEmbeds);
    if (given !== null) return given;
    const tokens =
      encoderTokens(records, 'extra_prompt_ids') &&
      encoderTokens(records, 'negative_extra_prompt_ids');
    if (tokens) return withMask(encoder.encodeTokens(tokens, { maxSequenceLength }));
    const named = textsOf(records.map((record) => record.negative_prompt));
    const optional =
      typeof negativePrompt === 'string' ? Array<string>(B).fill(negativePrompt) : negativePrompt;
    const texts = named ?? optional ?? Array<string>(B).fill('');
    return withMask(encoder.encode(texts, { maxSequenceLength }));
  };
  try {
    const embeddings = { positive, negative: negativeOf() };
    checkNegatives(embeddings);
    return embeddings;
  } catch (error) {
    disposeEmbeddings(positive);
    throw error;
  }
}
