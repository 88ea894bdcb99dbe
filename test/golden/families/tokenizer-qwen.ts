import { Qwen2Tokenizer } from '../../../sdk/src/tokenizers';
import { Comparison } from '../comparison';
import type { FamilyCheck } from '../golden-case';

/** Token ids, tokens and decoded text of prompts, and conversations by the chat template. */
export const check: FamilyCheck = async (goldenCase) => {
  const { json } = goldenCase;
  const tokenizer = Qwen2Tokenizer.fromPretrained(goldenCase.path(json.tokenizer));
  const comparison = new Comparison();

  if (json.prompts !== undefined) {
    comparison.equal('vocab_len', tokenizer.vocabSize, json.vocab_len);
    comparison.equal('pad_token_id', tokenizer.padTokenId, json.pad_token_id);
    comparison.equal('eos_token_id', tokenizer.eosTokenId, json.eos_token_id);
  }
  for (const [index, expected] of (json.prompts ?? []).entries()) {
    const name = (field: string): string => `prompts[${index}].${field}`;
    const ids = tokenizer.encode(expected.prompt);
    const template: string = json.template.replace('{}', () => expected.prompt);
    comparison.equal(name('input_ids'), ids, expected.input_ids);
    comparison.equal(name('tokens'), tokenizer.tokenize(expected.prompt), expected.tokens);
    comparison.equal(
      name('template_input_ids'),
      tokenizer.encode(template),
      expected.template_input_ids,
    );
    comparison.equal(name('decoded'), tokenizer.decode(ids), expected.decoded);
    comparison.equal(
      name('decoded_skip_special'),
      tokenizer.decode(ids, { skipSpecialTokens: true }),
      expected.decoded_skip_special,
    );
  }
  for (const [index, expected] of (json.cases ?? []).entries()) {
    const options = {
      addGenerationPrompt: expected.add_generation_prompt,
      tools: expected.tools ?? null,
    };
    const text = tokenizer.applyChatTemplate(expected.messages, { ...options, tokenize: false });
    const ids = tokenizer.applyChatTemplate(expected.messages, options);
    comparison.equal(`cases[${index}].text`, text, expected.text);
    comparison.equal(`cases[${index}].input_ids`, ids, expected.input_ids);
  }
  return comparison.result();
};
