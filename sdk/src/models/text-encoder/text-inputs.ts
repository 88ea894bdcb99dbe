import { tf } from '../../tensorflow';
import { MASKED } from '../layers';

/** Token ids with their padding. */
export interface TextEncoderInputs {
  /** (B, L) int32. */
  input_ids: tf.Tensor;
  /** (B, L) int32, 1 at text and 0 at padding; all text when left out. */
  attention_mask?: tf.Tensor | null;
}

/** Throws when shapes differ or an id is not in the vocabulary. */
export function checkTextInputs(
  { input_ids, attention_mask = null }: TextEncoderInputs,
  vocabSize: number,
): void {
  const shape = input_ids.shape.join(', ');
  if (input_ids.rank !== 2) {
    throw new Error(
      `Cannot encode text as input_ids must be of shape (B, L): current value is (${shape})`,
    );
  }
  if (attention_mask !== null && attention_mask.shape.join(', ') !== shape) {
    throw new Error(
      `Cannot encode text as attention_mask must have the shape of input_ids (${shape}): current value is (${attention_mask.shape.join(', ')})`,
    );
  }
  const stranger = input_ids.dataSync().find((id) => id < 0 || id >= vocabSize);
  if (stranger !== undefined) {
    throw new Error(
      `Cannot encode text as ids must be 0 to ${vocabSize - 1}: current value is ${stranger}`,
    );
  }
}

/**
 * (B or 1, 1, L, L): each token sees itself and the text before it, but no padding.
 *
 * @param window Most tokens that a token sees, itself included; null for all.
 */
export function causalBias(
  length: number,
  mask: tf.Tensor | null,
  window: number | null = null,
): tf.Tensor4D {
  const behind = window === null ? -1 : Math.min(window, length) - 1;
  const causal = tf.linalg.bandPart(tf.ones([length, length]), behind, 0); // 1 at keys to see
  const visible = causal.reshape<tf.Tensor4D>([1, 1, length, length]);
  const seen = mask === null ? visible : tf.mul<tf.Tensor4D>(visible, textKeys(mask));
  return tf.mul<tf.Tensor4D>(tf.sub(1, seen), MASKED);
}

/** (B, 1, 1, L): MASKED at padding, 0 at text. */
export function paddingBias(mask: tf.Tensor): tf.Tensor4D {
  return tf.mul<tf.Tensor4D>(tf.sub(1, textKeys(mask)), MASKED);
}

/** (B, L) -> (B, 1, 1, L), 1 at text */
function textKeys(mask: tf.Tensor): tf.Tensor4D {
  const keys = mask.reshape<tf.Tensor4D>([-1, 1, 1, mask.shape[1] as number]);
  return tf.cast(keys, 'float32');
}
