import { createRequire } from 'node:module';

/** One turn of a conversation. */
export interface ChatMessage {
  role: string;
  /** Text, or parts such as `{ type: 'text', text: '...' }` for a template that knows them. */
  content: string | readonly Record<string, unknown>[];
  [field: string]: unknown;
}

interface Library {
  Template: new (source: string) => { render(values: Record<string, unknown>): string };
}

// The package's types are those of an ES module, which a CommonJS module may not import.
const { Template } = createRequire(__filename)('@huggingface/jinja') as Library;

/**
 * Writes a conversation out by a model's Jinja chat template.
 *
 * @param source The template, as tokenizer_config.json or chat_template.jinja holds it.
 * @param values What the template can name besides the messages, for example `eos_token`.
 */
export function renderChatTemplate(
  source: string,
  messages: ChatMessage[],
  addGenerationPrompt: boolean,
  values: Record<string, unknown> = {},
): string {
  return new Template(source).render({
    ...values,
    messages,
    add_generation_prompt: addGenerationPrompt,
  });
}
