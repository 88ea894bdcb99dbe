import { tf } from '../../tensorflow';
import { padEmbeddings, type PromptEmbeddings } from '../prompt-embeddings';
import type { TokenRows } from '../rollout-request';
import { checkEncoding } from '../rollout-rules';
import { MAXIMUM_PROMPT_TOKENS, TEMPLATE_PREFIX_TOKENS, applyPromptTemplate } from './prompt';

/** The part of a tokenizer that prompts need. */
export interface PromptTokenizer {
  batch(
    texts: readonly string[],
    options: { padding: 'longest'; maxLength: number; truncation: boolean },
  ): { input_ids: number[][]; attention_mask: number[][] };
}

/** The part of a text encoder that prompts need. */
export interface PromptEncoder {
  /** Last hidden state (B, L, D). */
  forward(inputs: { input_ids: tf.Tensor2D; attention_mask: tf.Tensor2D }): tf.Tensor;
}

/** Token ids of prompts with their mask, one row a prompt. */
export interface TokenizedPrompts {
  ids: number[][];
  mask: number[][];
}

/** Puts prompts into the template and cuts them into tokens. */
export function tokenizePrompts(
  tokenizer: PromptTokenizer,
  prompts: readonly string[],
): TokenizedPrompts {
  const { input_ids, attention_mask } = tokenizer.batch(prompts.map(applyPromptTemplate), {
    padding: 'longest',
    maxLength: MAXIMUM_PROMPT_TOKENS + TEMPLATE_PREFIX_TOKENS,
    truncation: true,
  });
  return { ids: input_ids, mask: attention_mask };
}

/** Rows of ids as plain arrays: a single row stands for one prompt. */
export function tokenRows(rows: TokenRows): number[][] {
  const values = rows instanceof tf.Tensor ? (rows.arraySync() as number[] | number[][]) : rows;
  const nested = typeof values[0] === 'number' ? [values as number[]] : (values as number[][]);
  return nested.map((row) => [...row]);
}

/**
 * Embeds tokenized prompts: the text encoder's last hidden state without the template's prefix.
 *
 * Source: diffusers `QwenImagePipeline._get_qwen_prompt_embeds`.
 *
 * @param maxLength Tokens of an embedding; the rest is cut off.
 * @param prefix Tokens of the template's prefix.
 * @returns One (L_b, D) tensor for each prompt, without padding. The caller owns them.
 * @throws When there are no prompts, or a row has nothing behind the template's prefix.
 */
function embedTokens(
  textEncoder: PromptEncoder,
  { ids, mask }: TokenizedPrompts,
  maxLength: number,
  prefix: number,
): tf.Tensor2D[] {
  checkEncoding(ids.length, maxLength);
  const longest = Math.max(...ids.map((row) => row.length));
  const widen = (rows: number[][]) =>
    tf.tensor2d(
      rows.map((row) => [...row, ...Array<number>(longest - row.length).fill(0)]),
      [rows.length, longest],
      'int32',
    );
  return tf.tidy(() => {
    const hidden = textEncoder.forward({ input_ids: widen(ids), attention_mask: widen(mask) });
    return mask.map((row, b) => {
      const kept = row.flatMap((value, at) => (value === 0 ? [] : [at])).slice(prefix);
      if (kept.length === 0) {
        throw new Error(
          `Cannot embed prompt ${b} as it must have more tokens than the template's ${prefix}: current number is ${row.filter(Boolean).length}`,
        );
      }
      const positions = tf.tensor1d(kept.slice(0, maxLength), 'int32');
      return tf.gather(tf.gather(hidden, b), positions) as tf.Tensor2D;
    });
  });
}

/** Embeds tokenized prompts and lays them into one rectangle. */
export function embedTokenBatch(
  textEncoder: PromptEncoder,
  tokens: TokenizedPrompts,
  maxLength: number,
  prefix = TEMPLATE_PREFIX_TOKENS,
): PromptEmbeddings {
  const rows = embedTokens(textEncoder, tokens, maxLength, prefix);
  try {
    return padEmbeddings(rows);
  } finally {
    tf.dispose(rows);
  }
}
