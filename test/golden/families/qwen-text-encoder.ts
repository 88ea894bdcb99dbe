import { Qwen2_5_VLTextEncoder } from '../../../sdk/src/models/qwen-image/text-encoder';
import { tf } from '../../../sdk/src/tensorflow';
import { Qwen2Tokenizer } from '../../../sdk/src/tokenizers';
import { Comparison } from '../comparison';
import type { FamilyCheck } from '../golden-case';

const TEMPLATE =
  '<|im_start|>system\nDescribe the image by detailing the color, shape, size, texture, quantity, text, spatial relationships of the objects and background:<|im_end|>\n<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n';

/** Token ids, hidden states of every level, and the prompt embeddings cut from the last one. */
export const check: FamilyCheck = async (goldenCase) => {
  const { json } = goldenCase;
  const { prompts, drop_idx: dropped } = json as { prompts: string[]; drop_idx: number };
  const comparison = new Comparison();
  const compare = (name: string, actual: tf.Tensor): void =>
    comparison.compare(name, actual, goldenCase.tensor(name), json.tolerance);

  const model = goldenCase.path(json.model);
  const batch = Qwen2Tokenizer.fromPretrained(model).batch(
    prompts.map((prompt) => TEMPLATE.replace('{}', () => prompt)),
  );
  comparison.equal('input_ids', batch.input_ids, goldenCase.tensor('input_ids').arraySync());
  const expectedMask = goldenCase.tensor('attention_mask').arraySync();
  comparison.equal('attention_mask', batch.attention_mask, expectedMask);

  const encoder = Qwen2_5_VLTextEncoder.fromPretrained(model);
  const input_ids = tf.tensor2d(batch.input_ids, undefined, 'int32');
  const attention_mask = tf.tensor2d(batch.attention_mask, undefined, 'int32');
  const states = encoder.hiddenStates({ input_ids, attention_mask });
  const kept = tf.cast(attention_mask.expandDims(2), 'float32'); // (B, L, 1)
  compare('layer0_embed', tf.mul(states[0], kept));
  compare('layer1', tf.mul(states[1], kept));
  compare('last_hidden', tf.mul(encoder.forward({ input_ids, attention_mask }), kept));

  const [B, L, C] = states[0].shape;
  const embeds = tf
    .mul(states[states.length - 1], kept)
    .slice([0, dropped, 0], [B, L - dropped, C]);
  const mask = attention_mask.slice([0, dropped], [B, L - dropped]);
  compare('prompt_embeds', embeds);
  compare('prompt_embeds_mask', mask);

  // Two pictures a prompt, at most twelve tokens.
  const length = Math.min(12, L - dropped);
  const twice = Array.from({ length: 2 * B }, (_, row) => row >> 1);
  compare('prompt_embeds_n2_max12', tf.gather(embeds.slice([0, 0, 0], [B, length, C]), twice));
  compare('prompt_embeds_mask_n2_max12', tf.gather(mask.slice([0, 0], [B, length]), twice));
  encoder.dispose();
  return comparison.result();
};
