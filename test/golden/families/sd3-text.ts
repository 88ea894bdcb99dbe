import { CLIPTextModelWithProjection, T5EncoderModel } from '../../../sdk/src/models';
import { SD3PromptEncoder } from '../../../sdk/src/pipelines/stable-diffusion-3/prompt-encoder';
import type { tf } from '../../../sdk/src/tensorflow';
import { CLIPTokenizer, T5Tokenizer } from '../../../sdk/src/tokenizers';
import { Comparison } from '../comparison';
import type { FamilyCheck } from '../golden-case';

/** The three text encoders on recorded ids, and prompts from text to the transformer's embeddings. */
export const check: FamilyCheck = async (goldenCase) => {
  const { model, tolerance, prompts, negative_prompt, max_sequence_length } = goldenCase.json;
  const path = goldenCase.path(model);
  const comparison = new Comparison();
  const compare = (name: string, actual: tf.Tensor): void =>
    comparison.compare(name, actual, goldenCase.tensor(name), tolerance);
  const compareIds = (
    name: string,
    tokenizer: CLIPTokenizer | T5Tokenizer,
    maxLength: number,
  ): void => {
    const options = { padding: 'max_length', maxLength, truncation: true } as const;
    const { input_ids } = tokenizer.batch(prompts, options);
    comparison.equal(name, input_ids, goldenCase.tensor(name).arraySync());
  };

  for (const [index, suffix] of ['', '_2'].entries()) {
    const clip = CLIPTextModelWithProjection.fromPretrained(path, `text_encoder${suffix}`);
    const output = clip.forward({ input_ids: goldenCase.tensor(`clip${index}.input_ids`) });
    compare(`clip${index}.penultimate`, output.hidden_states.at(-2) as tf.Tensor);
    compare(`clip${index}.pooled`, output.text_embeds);
    clip.dispose();
    const tokenizer = CLIPTokenizer.fromPretrained(path, `tokenizer${suffix}`);
    const [, length] = goldenCase.tensor(`clip${index}.input_ids`).shape as [number, number];
    compareIds(`clip${index}.input_ids`, tokenizer, length);
  }
  const t5 = T5EncoderModel.fromPretrained(path);
  compare('t5.last_hidden', t5.forward({ input_ids: goldenCase.tensor('t5.input_ids') }));
  t5.dispose();
  compareIds('t5.input_ids', T5Tokenizer.fromPretrained(path), max_sequence_length);

  const encoder = SD3PromptEncoder.fromPretrained(path);
  const options = { maxSequenceLength: max_sequence_length };
  const positive = encoder.encode(prompts, options);
  const negative = encoder.encode(
    prompts.map(() => negative_prompt ?? ''),
    options,
  );
  encoder.dispose();
  compare('prompt_embeds', positive.prompt_embeds);
  compare('pooled_prompt_embeds', positive.pooled_prompt_embeds);
  compare('negative_prompt_embeds', negative.prompt_embeds);
  compare('negative_pooled_prompt_embeds', negative.pooled_prompt_embeds);
  return comparison.result();
};
