import { withinTime } from '../core/within-time';
import { renderBounded } from './bounded-jinja';

/** One turn of a conversation. */
export interface ChatMessage {
  role: string;
  /** Text, or parts such as `{ type: 'text', text: '...' }` for a template that knows them. */
  content: string | readonly Record<string, unknown>[];
  [field: string]: unknown;
}

/** Longest time that a template may take: a file's loop may never end. */
const LONGEST_MS = 2_000;

/** Longest message of a template's own (`raise_exception`) that is passed on, in characters. */
const LONGEST_MESSAGE = 500;

/**
 * Writes a conversation out by a model's Jinja chat template.
 *
 * @param source The template, as tokenizer_config.json or chat_template.jinja holds it.
 * @param values What the template can name besides the messages, for example `eos_token`.
 * @throws When the template fails, takes over two seconds, or makes more than 64 MB of texts, lists and loops.
 */
export function renderChatTemplate(
  source: string,
  messages: ChatMessage[],
  addGenerationPrompt: boolean,
  values: Record<string, unknown> = {},
): string {
  const given = { ...values, messages, add_generation_prompt: addGenerationPrompt };
  try {
    return withinTime(() => renderBounded(source, given), LONGEST_MS);
  } catch (error) {
    const message = String((error as Error).message).slice(0, LONGEST_MESSAGE);
    // eslint-disable-next-line preserve-caught-error -- its message is as long as the template likes
    throw new Error(`Cannot apply a chat template: ${message}`);
  }
}
