import { tf } from '../../tensorflow';
import { allOrNone } from '../all-or-none';
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

/** Token ids of all prompts, or null. Throws when some have none, which verl-omni takes for no ids at all. */
function encoderTokens(
  records: readonly RequestPrompt[],
  field: 'extra_prompt_ids' | 'negative_extra_prompt_ids',
  compat: SD3ForwardOptions['compat'],
): EncoderTokens[] | null {
  const tokens = records.map((record) => {
    const ids = record[field];
    return ids && Object.keys(ids).length > 0 ? ids : null;
  });
  if (compat === 'verl-omni' && tokens.includes(null)) return null;
  return allOrNone(tokens, field);
}

function refuseList(name: string): never {
  const negative = name === 'negative_prompt_ids' ? 'negative_' : '';
  throw new Error(
    `Cannot embed prompts as token ids must be given for each text encoder, as ${negative}extra_prompt_ids: { clip, t5 }: current value is one list, ${name}`,
  );
}

function positiveOf(
  encoder: SD3PromptEncoder,
  records: readonly RequestPrompt[],
  { promptEmbeds, pooledPromptEmbeds, prompt, compat }: SD3ForwardOptions,
  maxSequenceLength: number,
): PromptEmbeddings | null {
  const given = givenEmbeddings('prompt', promptEmbeds, pooledPromptEmbeds);
  if (given !== null) return given;
  const tokens = encoderTokens(records, 'extra_prompt_ids', compat);
  if (tokens !== null) return withMask(encoder.encodeTokens(tokens, { maxSequenceLength }));
  const isListed = records.some((one) => !one.prompt && (one.prompt_token_ids ?? one.prompt_ids));
  if (isListed && compat !== 'verl-omni') refuseList('prompt_token_ids');
  const named = records.map((record) => record.prompt);
  const optional = typeof prompt === 'string' ? [prompt] : (prompt ?? null);
  // verl-omni takes empty prompts for none.
  const own = compat === 'verl-omni' ? null : allOrNone(named, 'a positive text');
  const texts = textsOf(named) ?? optional ?? own;
  if (texts !== null && texts.length > 0)
    return withMask(encoder.encode(texts, { maxSequenceLength }));
  if (isListed) refuseList('prompt_token_ids');
  return null;
}

/**
 * Embeds what a request asks for: given embeddings first, then the request's token ids for the text
 * encoders, then its texts, then texts among the options. Returns null for a request without any.
 * Without a negative prompt guidance leads away from the empty one.
 *
 * @throws When there are ids for one text encoder only, when only some of the prompts have ids or a text, or when the
 *   numbers of prompts differ. With `compat: 'verl-omni'` what only some have is taken for the empty prompt.
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
    const { negativePromptEmbeds, negativePooledPromptEmbeds, negativePrompt, compat } = options;
    const isUpstream = compat === 'verl-omni';
    const given = givenEmbeddings('negative', negativePromptEmbeds, negativePooledPromptEmbeds);
    if (given !== null) return given;
    // verl-omni reads negative ids beside positive ones alone.
    const isRead = !isUpstream || encoderTokens(records, 'extra_prompt_ids', compat) !== null;
    const tokens = isRead ? encoderTokens(records, 'negative_extra_prompt_ids', compat) : null;
    if (tokens !== null) return withMask(encoder.encodeTokens(tokens, { maxSequenceLength }));
    const isListed = records.some((one) => !one.negative_prompt && one.negative_prompt_ids);
    if (isListed && !isUpstream) refuseList('negative_prompt_ids');
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
