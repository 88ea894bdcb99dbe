import { listOf, record, required, rule, TEXT, type Rule } from '../../core/option-rules';
import { tf } from '../../tensorflow';
import type { PreferencePair } from './preference-pairs';

const PICTURE = rule('a picture or a tensor of latents', (value) => {
  if (value instanceof tf.Tensor) return true;
  const { width, height, data } = (value ?? {}) as Record<string, unknown>;
  return Number.isInteger(width) && Number.isInteger(height) && data instanceof Uint8Array;
});

/** Pairs to learn from; they may hold more than is learned from. */
export const PAIRS: Rule = listOf(
  record<PreferencePair>(
    { prompt: required(TEXT), chosen: required(PICTURE), rejected: required(PICTURE) },
    'an object with prompt, chosen and rejected',
  ),
  { words: 'a list of pairs, one at least' },
);
