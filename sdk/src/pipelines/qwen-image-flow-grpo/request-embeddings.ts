import { tf } from '../../tensorflow';
import type { PromptEmbeddings } from '../prompt-embeddings';
import type { RequestPrompt, RolloutRequest } from '../rollout-request';
import {
  embedTokenBatch,
  tokenRows,
  tokenizePrompts,
  type PromptEncoder,
  type PromptTokenizer,
  type TokenizedPrompts,
} from './encode-prompts';
import type { ForwardOptions, RolloutSettings } from './forward-options';

/** Embeddings of a request: the prompts, and what guidance leads away from. The owner disposes them. */
export interface RequestEmbeddings {
  positive: PromptEmbeddings;
  /** Null when guidance is off. */
  negative: PromptEmbeddings | null;
}

interface Encoders {
  tokenizer: PromptTokenizer;
  textEncoder: PromptEncoder;
}

/** Where the words of one side (positive or negative) may come from, in the order tried. */
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

function maskOfOnes(ids: number[][]): number[][] {
  return ids.map((row) => row.map(() => 1));
}

/** Null when no row has the value; the values when all rows do. */
function allOrNone<T>(values: (T | null | undefined)[], what: string): T[] | null {
  const present = values.filter((value): value is T => value !== null && value !== undefined);
  if (present.length === 0) return null;
  if (present.length !== values.length) {
    throw new Error(
      `Cannot embed prompts as either all or none must have ${what}: ${present.length} of ${values.length} do`,
    );
  }
  return present;
}

function tokensOf(
  { tokenizer }: Encoders,
  { side, ids, idsMask, texts, promptIds, promptMasks }: Sources,
): TokenizedPrompts | null {
  const rows = allOrNone(promptIds, `${side} token ids`);
  if (rows !== null) {
    const own = rows.map((row) => [...row]);
    const masks = allOrNone(promptMasks, `a mask of ${side} token ids`);
    return { ids: own, mask: masks?.map((row) => [...row]) ?? maskOfOnes(own) };
  }
  const words = allOrNone(texts, `a ${side} text`);
  if (words !== null) return tokenizePrompts(tokenizer, words);
  if (ids === null || ids === undefined) return null;
  const given = tokenRows(ids);
  return { ids: given, mask: idsMask ? tokenRows(idsMask) : maskOfOnes(given) };
}

function embeddingsOf(
  encoders: Encoders,
  sources: Sources,
  maxLength: number,
): PromptEmbeddings | null {
  if (sources.embeds) {
    const { embeds, embedsMask } = sources;
    const [B, L] = embeds.shape;
    return {
      embeds: embeds.clone() as tf.Tensor3D,
      mask: embedsMask ? tf.cast(embedsMask as tf.Tensor2D, 'int32') : tf.ones([B, L], 'int32'),
    };
  }
  const tokens = tokensOf(encoders, sources);
  return tokens && embedTokenBatch(encoders.textEncoder, tokens, maxLength);
}

/**
 * Embeds what a request asks for: given embeddings first, then the request's token ids, then its texts,
 * then ids among the options. Returns null for a request without any.
 *
 * @throws When only some of the prompts have ids or negatives, or their numbers differ.
 */
export function requestEmbeddings(
  encoders: Encoders,
  { prompts = [] }: RolloutRequest,
  options: ForwardOptions,
  { maxSequenceLength, trueCfgScale }: RolloutSettings,
): RequestEmbeddings | null {
  const records = prompts.map((prompt): RequestPrompt =>
    typeof prompt === 'string' ? { prompt } : prompt,
  );
  const positive = embeddingsOf(
    encoders,
    {
      side: 'positive',
      embeds: options.promptEmbeds,
      embedsMask: options.promptEmbedsMask,
      ids: options.promptTokenIds,
      idsMask: options.promptMask,
      texts: records.map(({ prompt }) => prompt),
      promptIds: records.map(({ prompt_token_ids }) => prompt_token_ids),
      promptMasks: records.map(({ prompt_mask }) => prompt_mask),
    },
    maxSequenceLength,
  );
  if (positive === null || trueCfgScale <= 1) return positive && { positive, negative: null };
  const negative = embeddingsOf(
    encoders,
    {
      side: 'negative',
      embeds: options.negativePromptEmbeds,
      embedsMask: options.negativePromptEmbedsMask,
      ids: options.negativePromptIds,
      idsMask: options.negativePromptMask,
      texts: records.map(({ negative_prompt }) => negative_prompt),
      promptIds: records.map(({ negative_prompt_ids }) => negative_prompt_ids),
      promptMasks: records.map(({ negative_prompt_mask }) => negative_prompt_mask),
    },
    maxSequenceLength,
  );
  const [B, negatives] = [positive.embeds.shape[0], negative?.embeds.shape[0]];
  if (negatives !== undefined && negatives !== B) {
    tf.dispose([positive.embeds, positive.mask]);
    throw new Error(
      `Cannot embed prompts as every prompt needs one negative prompt: current numbers are ${B} and ${negatives}`,
    );
  }
  return { positive, negative };
}
