import { CLIPTokenizer, T5Tokenizer } from '../../../sdk/src/tokenizers';
import { Comparison } from '../comparison';
import type { FamilyCheck } from '../golden-case';

/** Token ids of the two CLIP tokenizers and of T5's, as they are and padded to one length. */
export const check: FamilyCheck = async (goldenCase) => {
  const { json } = goldenCase;
  const paths = (json.tokenizers as string[]).map((path) => goldenCase.path(path));
  const tokenizers = [
    CLIPTokenizer.fromPretrained(paths[0]),
    CLIPTokenizer.fromPretrained(paths[1]),
    T5Tokenizer.fromPretrained(paths[2]),
  ];
  const names = ['tokenizer', 'tokenizer_2', 'tokenizer_3'];
  const comparison = new Comparison();
  const all = (read: (tokenizer: CLIPTokenizer | T5Tokenizer) => unknown) => tokenizers.map(read);
  comparison.equal(
    'vocab_lens',
    all(({ vocabSize }) => vocabSize),
    json.vocab_lens,
  );
  comparison.equal(
    'pad_token_ids',
    all(({ padTokenId }) => padTokenId),
    json.pad_token_ids,
  );
  comparison.equal(
    'eos_token_ids',
    all(({ eosTokenId }) => eosTokenId),
    json.eos_token_ids,
  );
  for (const [index, { prompt, ...expected }] of json.prompts.entries()) {
    tokenizers.forEach((tokenizer, which) => {
      const { unpadded, padded, attention_mask, tokens, max_length } = expected[names[which]];
      const name = (field: string): string => `prompts[${index}].${names[which]}.${field}`;
      const batch = tokenizer.batch([prompt], {
        padding: 'max_length',
        maxLength: max_length,
        truncation: true,
      });
      comparison.equal(name('unpadded'), tokenizer.encode(prompt), unpadded);
      comparison.equal(name('padded'), batch.input_ids[0], padded);
      comparison.equal(name('attention_mask'), batch.attention_mask[0], attention_mask);
      // A long text's tokens were recorded up to a limit.
      const spelled = tokenizer.tokenize(prompt).slice(0, tokens.length);
      comparison.equal(name('tokens'), spelled, tokens);
    });
  }
  return comparison.result();
};
