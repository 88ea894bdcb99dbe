import type { TokenizerFiles } from '../io/tokenizer-files';

/** A token that is found in a text before it is cut. */
export interface AddedToken {
  id: number;
  content: string;
  single_word: boolean;
  lstrip: boolean;
  rstrip: boolean;
  normalized: boolean;
  special: boolean;
}

/** Settings that name a special token each. */
const NAMES = ['unk_token', 'bos_token', 'eos_token', 'pad_token'] as const;

/**
 * The added tokens of a folder without tokenizer.json: as tokenizer_config.json describes them in full, or else those
 * of added_tokens.json, which knows only their ids, and the special ones that the configuration names.
 */
export function addedTokens({ config, addedTokens, vocab }: TokenizerFiles): AddedToken[] {
  const described = config.added_tokens_decoder as Record<string, Omit<AddedToken, 'id'>>;
  if (described !== undefined) {
    return Object.entries(described).map(([id, token]) => ({ ...token, id: Number(id) }));
  }
  const named = NAMES.flatMap((name) => tokenText(config[name]) ?? []);
  const special = new Set([
    ...named,
    ...((config.additional_special_tokens ?? []) as unknown[]).flatMap(
      (token) => tokenText(token) ?? [],
    ),
  ]);
  const ids = new Map(
    [...special].flatMap((token) =>
      vocab?.[token] === undefined ? [] : [[token, vocab[token]] as const],
    ),
  );
  for (const [content, id] of Object.entries(addedTokens ?? {})) ids.set(content, id);
  return [...ids].map(([content, id]) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: special.has(content),
  }));
}

/** A configuration names a token by its text or by an object that holds it. */
export function tokenText(token: unknown): string | null {
  if (typeof token === 'string') return token;
  return (token as { content?: string } | null | undefined)?.content ?? null;
}
