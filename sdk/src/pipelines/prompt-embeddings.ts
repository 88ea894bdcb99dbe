import { tf } from '../tensorflow';

/** Embeddings of B prompts as a rectangle. The owner disposes the tensors. */
export interface PromptEmbeddings {
  /** (B, L, D), zeros behind a prompt's last token where the transformer leaves padding out. */
  embeds: tf.Tensor3D;
  /** (B, L) int32: 1 at tokens, then 0. */
  mask: tf.Tensor2D;
  /** (B, P) one embedding of the whole prompt, for transformers that take it. */
  pooled?: tf.Tensor2D;
}

/** Embeddings of a request: the prompts, and what guidance leads away from. The owner disposes them. */
export interface RequestEmbeddings {
  positive: PromptEmbeddings;
  /** Null when guidance is off. */
  negative: PromptEmbeddings | null;
}

/**
 * Lays embeddings of different lengths into one rectangle, padded with zeros at the right.
 *
 * @param rows (L_b, D) each.
 * @param length Tokens of the rectangle; at least the longest row. Default: the longest row.
 *
 * @example
 * padEmbeddings([tf.tensor2d([[5]]), tf.tensor2d([[6], [7]])]).mask; // [[1, 0], [1, 1]]
 */
export function padEmbeddings(
  rows: readonly tf.Tensor2D[],
  length = Math.max(...rows.map(({ shape }) => shape[0])),
): PromptEmbeddings {
  const [embeds, mask] = tf.tidy(() => {
    const padded = rows.map((row) =>
      tf.pad(row, [
        [0, length - row.shape[0]],
        [0, 0],
      ]),
    );
    const marks = rows.map(({ shape: [L] }) => Array.from({ length }, (_, at) => (at < L ? 1 : 0)));
    return [
      tf.stack(padded) as tf.Tensor3D,
      tf.tensor2d(marks, [rows.length, length], 'int32'),
    ] as const;
  });
  return { embeds, mask };
}

/**
 * Repeats each row `times` times in place: 0, 0, 1, 1, ...
 *
 * @param x (B, ...)
 * @returns (B times, ...). The caller owns it.
 *
 * @example
 * repeatRows(tf.tensor1d([1, 2]), 2); // [1, 1, 2, 2]
 */
export function repeatRows<X extends tf.Tensor>(x: X, times: number): X {
  if (times === 1) return x.clone() as X;
  const rows = Array.from({ length: x.shape[0] * times }, (_, at) => Math.floor(at / times));
  return tf.tidy(() => tf.gather(x, tf.tensor1d(rows, 'int32')));
}

/**
 * Frees embeddings; null is let pass.
 *
 * @example
 * const words = padEmbeddings([tf.tensor2d([[5]])]);
 * disposeEmbeddings(words);
 * words.mask.isDisposed; // true
 */
export function disposeEmbeddings(embeddings: PromptEmbeddings | null): void {
  if (embeddings !== null) {
    tf.dispose([embeddings.embeds, embeddings.mask]);
    embeddings.pooled?.dispose();
  }
}

/**
 * Embeddings by verl-omni's batch fields; pooled ones only where there are any. The tensors are the same, not copies.
 *
 * @example
 * const words = padEmbeddings([tf.tensor2d([[5]])]);
 * embeddingFields(words, null).prompt_embeds; // [[[5]]]
 */
export function embeddingFields(positive: PromptEmbeddings, negative: PromptEmbeddings | null) {
  return {
    prompt_embeds: positive.embeds,
    prompt_embeds_mask: positive.mask,
    ...(positive.pooled && { pooled_prompt_embeds: positive.pooled }),
    negative_prompt_embeds: negative?.embeds ?? null,
    negative_prompt_embeds_mask: negative?.mask ?? null,
    ...(positive.pooled && { negative_pooled_prompt_embeds: negative?.pooled ?? null }),
  };
}

/**
 * Repeats the embeddings of each prompt `times` times in place. The originals stay the caller's.
 *
 * @example
 * repeatEmbeddings(padEmbeddings([tf.tensor2d([[5]])]), 2).embeds; // [[[5]], [[5]]]
 */
export function repeatEmbeddings(
  { embeds, mask, pooled }: PromptEmbeddings,
  times: number,
): PromptEmbeddings {
  return {
    embeds: repeatRows(embeds, times),
    mask: repeatRows(mask, times),
    ...(pooled && { pooled: repeatRows(pooled, times) }),
  };
}

/**
 * Checks the shapes of embeddings that were given.
 *
 * @param side 'positive', 'negative': what they are of.
 * @param embeds (B, L, D)
 * @param mask (B, L)
 * @param pooled (B, P)
 * @throws When they do not fit each other.
 *
 * @example
 * checkEmbeddings('positive', { embeds: tf.zeros([2, 5, 8]), mask: tf.ones([2, 5]) }); // undefined // they fit
 */
export function checkEmbeddings(
  side: string,
  {
    embeds,
    mask,
    pooled,
  }: { embeds: tf.Tensor; mask?: tf.Tensor | null; pooled?: tf.Tensor | null },
): void {
  const [B, L] = embeds.shape;
  const fits =
    embeds.rank === 3 &&
    (!mask || (mask.rank === 2 && mask.shape[0] === B && mask.shape[1] === L)) &&
    (!pooled || (pooled.rank === 2 && pooled.shape[0] === B));
  if (fits) return;
  const given = [embeds, mask, pooled].filter((tensor) => !!tensor);
  const rule = [
    '(B, L, D)',
    ...(mask ? ['their mask (B, L)'] : []),
    ...(pooled ? ['pooled ones (B, P)'] : []),
  ];
  throw new Error(
    `Cannot embed prompts as ${side} embeddings must be ${rule.join(' and ')}: current shapes are ${given.map(({ shape }) => `[${shape}]`).join(' and ')}`,
  );
}

/**
 * Checks that each prompt has its negative prompt.
 *
 * @throws When the numbers differ; both are disposed then.
 *
 * @example
 * checkNegatives({ positive: padEmbeddings([tf.tensor2d([[5]])]), negative: null }); // undefined // no guidance
 */
export function checkNegatives({ positive, negative }: RequestEmbeddings): void {
  const [B, negatives] = [positive.embeds.shape[0], negative?.embeds.shape[0]];
  if (negatives !== undefined && negatives !== B) {
    disposeEmbeddings(positive);
    disposeEmbeddings(negative);
    throw new Error(
      `Cannot embed prompts as every prompt needs one negative prompt: current numbers are ${B} and ${negatives}`,
    );
  }
}
