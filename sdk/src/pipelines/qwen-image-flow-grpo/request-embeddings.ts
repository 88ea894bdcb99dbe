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
import type { RolloutRequest } from '../rollout-request';
import type { RolloutSettings } from '../rollout-settings';
import {
  embedTokenBatch,
  tokenRows,
  tokenizePrompts,
  type PromptEncoder,
  type PromptTokenizer,
  type TokenizedPrompts,
} from './encode-prompts';
import type { ForwardOptions } from './forward-options';

interface Encoders {
  tokenizer: PromptTokenizer;
  textEncoder: PromptEncoder;
}

/** Where the words of one side (positive or negative) may come from. */
interface Sources {
  side: string;
  embeds: tf.Tensor | null | undefined;
  embedsMask: tf.Tensor | null | undefined;
  ids: ForwardOptions['promptTokenIds'];
  idsMask: ForwardOptions['promptMask'];
  texts: (string | null | undefined)[];
  promptIds: (readonly number[] | undefined)[];
  promptMasks: (readonly number[] | undefined)[];
}

/** Ids with their mask, 1 everywhere when there is none; a mask is cut or filled up to the row's length. */
function tokens(
  ids: readonly (readonly number[])[],
  mask?: readonly (readonly number[])[] | null,
): TokenizedPrompts {
  const rows = ids.map((row) => [...row]);
  return {
    ids: rows,
    mask: rows.map((row, b) => row.map((_, at) => (mask ? Number(mask[b]?.[at] ?? 0) : 1))),
  };
}

function tokensOf(
  { tokenizer }: Encoders,
  { side, ids, idsMask, texts, promptIds, promptMasks }: Sources,
  compat: ForwardOptions['compat'],
): TokenizedPrompts | null {
  const given = ids ? tokens(tokenRows(ids), idsMask ? tokenRows(idsMask) : null) : null;
  if (compat === 'verl-omni' && given !== null) return given;
  const rows = allOrNone(promptIds, `${side} token ids`);
  if (rows !== null) return tokens(rows, allOrNone(promptMasks, `a mask of ${side} token ids`));
  const words = allOrNone(texts, `a ${side} text`);
  return words === null ? given : tokenizePrompts(tokenizer, words);
}

function embeddingsOf(
  encoders: Encoders,
  sources: Sources,
  maxLength: number,
  compat: ForwardOptions['compat'],
): PromptEmbeddings | null {
  const { embeds, embedsMask } = sources;
  if (embeds) {
    checkEmbeddings(sources.side, { embeds, mask: embedsMask });
    const [B, L, D] = embeds.shape;
    const length = Math.min(L, maxLength);
    return tf.tidy(() => ({
      embeds: tf.slice(embeds as tf.Tensor3D, [0, 0, 0], [B, length, D]),
      mask: embedsMask
        ? tf.cast(tf.slice(embedsMask as tf.Tensor2D, [0, 0], [B, length]), 'int32')
        : tf.ones<tf.Rank.R2>([B, length], 'int32'),
    }));
  }
  const found = tokensOf(encoders, sources, compat);
  return found && embedTokenBatch(encoders.textEncoder, found, maxLength);
}

/**
 * Embeds what a request asks for: given embeddings first, then the request's token ids, then its texts,
 * then ids among the options, which with `compat: 'verl-omni'` go before the request's. Returns null for
 * a request without any.
 *
 * @throws When only some of the prompts have ids or negatives, when their numbers differ, or when
 *   guidance is asked for and there are no negative prompts; with `compat: 'verl-omni'` it is off then.
 */
export function requestEmbeddings(
  encoders: Encoders,
  request: RolloutRequest,
  options: ForwardOptions,
  { maxSequenceLength, trueCfgScale }: RolloutSettings,
): RequestEmbeddings | null {
  const records = promptRecords(request);
  const embed = (sources: Sources) =>
    embeddingsOf(encoders, sources, maxSequenceLength, options.compat);
  const positive = embed({
    side: 'positive',
    embeds: options.promptEmbeds,
    embedsMask: options.promptEmbedsMask,
    ids: options.promptTokenIds,
    idsMask: options.promptMask,
    texts: records.map(({ prompt }) => prompt),
    promptIds: records.map(({ prompt_token_ids, prompt_ids }) => prompt_token_ids ?? prompt_ids),
    promptMasks: records.map(({ prompt_mask }) => prompt_mask),
  });
  if (positive === null || trueCfgScale <= 1) return positive && { positive, negative: null };
  let negative: PromptEmbeddings | null;
  try {
    negative = embed({
      side: 'negative',
      embeds: options.negativePromptEmbeds,
      embedsMask: options.negativePromptEmbedsMask,
      ids: options.negativePromptIds,
      idsMask: options.negativePromptMask,
      texts: records.map(({ negative_prompt }) => negative_prompt),
      promptIds: records.map(({ negative_prompt_ids }) => negative_prompt_ids),
      promptMasks: records.map(({ negative_prompt_mask }) => negative_prompt_mask),
    });
    const asked = request.sampling_params?.true_cfg_scale ?? options.trueCfgScale ?? null;
    if (negative === null && asked !== null && options.compat !== 'verl-omni') {
      throw new Error(
        `Cannot apply true classifier-free guidance as it needs a negative prompt: current true_cfg_scale is ${asked}`,
      );
    }
  } catch (error) {
    disposeEmbeddings(positive);
    throw error;
  }
  const embeddings = { positive, negative };
  checkNegatives(embeddings);
  return embeddings;
}
