import { tf } from '../tensorflow';

/** Embeddings of B prompts as a rectangle. The owner disposes both tensors. */
export interface PromptEmbeddings {
  /** (B, L, D), zeros behind a prompt's last token. */
  embeds: tf.Tensor3D;
  /** (B, L) int32: 1 at tokens, then 0. */
  mask: tf.Tensor2D;
}

/**
 * Lays embeddings of different lengths into one rectangle, padded with zeros at the right.
 *
 * @param rows (L_b, D) each.
 * @param length Tokens of the rectangle; at least the longest row. Default: the longest row.
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

/** Repeats each row `times` times in place: 0, 0, 1, 1, ... */
export function repeatRows<X extends tf.Tensor>(x: X, times: number): X {
  if (times === 1) return x.clone() as X;
  const rows = Array.from({ length: x.shape[0] * times }, (_, at) => Math.floor(at / times));
  return tf.tidy(() => tf.gather(x, tf.tensor1d(rows, 'int32')));
}
