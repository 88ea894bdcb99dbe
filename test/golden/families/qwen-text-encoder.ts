import { Qwen2_5_VLTextEncoder } from '../../../sdk/src/models/qwen-image/text-encoder';
import { repeatEmbeddings } from '../../../sdk/src/pipelines/prompt-embeddings';
import {
  embedTokenBatch,
  tokenizePrompts,
} from '../../../sdk/src/pipelines/qwen-image-flow-grpo/encode-prompts';
import { tf } from '../../../sdk/src/tensorflow';
import { Qwen2Tokenizer } from '../../../sdk/src/tokenizers';
import { Comparison } from '../comparison';
import type { FamilyCheck } from '../golden-case';

/** Token ids, hidden states of every level, and the prompt embeddings cut from the last one. */
export const check: FamilyCheck = async (goldenCase) => {
  const { json } = goldenCase;
  const { prompts, drop_idx: dropped } = json as { prompts: string[]; drop_idx: number };
  const comparison = new Comparison();
  const compare = (name: string, actual: tf.Tensor): void =>
    comparison.compare(name, actual, goldenCase.tensor(name), json.tolerance);

  const model = goldenCase.path(json.model);
  const tokens = tokenizePrompts(Qwen2Tokenizer.fromPretrained(model), prompts);
  comparison.equal('input_ids', tokens.ids, goldenCase.tensor('input_ids').arraySync());
  comparison.equal('attention_mask', tokens.mask, goldenCase.tensor('attention_mask').arraySync());

  const encoder = Qwen2_5_VLTextEncoder.fromPretrained(model);
  const input_ids = tf.tensor2d(tokens.ids, undefined, 'int32');
  const attention_mask = tf.tensor2d(tokens.mask, undefined, 'int32');
  const states = encoder.hiddenStates({ input_ids, attention_mask });
  const kept = tf.cast(attention_mask.expandDims(2), 'float32'); // (B, L, 1)
  compare('layer0_embed', tf.mul(states[0], kept));
  compare('layer1', tf.mul(states[1], kept));
  compare('last_hidden', tf.mul(encoder.forward({ input_ids, attention_mask }), kept));

  const whole = embedTokenBatch(encoder, tokens, tokens.ids[0].length, dropped);
  compare('prompt_embeds', whole.embeds);
  compare('prompt_embeds_mask', whole.mask);
  // Two pictures a prompt, at most twelve tokens.
  const twice = repeatEmbeddings(embedTokenBatch(encoder, tokens, 12, dropped), 2);
  compare('prompt_embeds_n2_max12', twice.embeds);
  compare('prompt_embeds_mask_n2_max12', twice.mask);
  encoder.dispose();
  return comparison.result();
};
