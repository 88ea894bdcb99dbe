import { createRequire } from 'node:module';
import { withinTime } from '../core/within-time';

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

/** Longest time that a template may take: a file's loop may never end. */
const LONGEST_MS = 2_000;

/** Most numbers of one `range()`, as in Jinja's own sandbox. The library makes a list of them, which V8 may die of. */
const LONGEST_RANGE = 100_000;

/** Takes the place of the library's `range` in every template. Its line break belongs to the block, and is left out. */
const OWN_RANGE = '{% set range = bounded_range %}\n';

/**
 * Writes a conversation out by a model's Jinja chat template.
 *
 * @param source The template, as tokenizer_config.json or chat_template.jinja holds it.
 * @param values What the template can name besides the messages, for example `eos_token`.
 * @throws When the template fails, takes over two seconds, or asks for a range of over 100,000 numbers.
 */
export function renderChatTemplate(
  source: string,
  messages: ChatMessage[],
  addGenerationPrompt: boolean,
  values: Record<string, unknown> = {},
): string {
  const given = {
    ...values,
    messages,
    add_generation_prompt: addGenerationPrompt,
    bounded_range: boundedRange,
  };
  try {
    return withinTime(() => new Template(OWN_RANGE + source).render(given), LONGEST_MS);
  } catch (error) {
    throw new Error(`Cannot apply a chat template: ${(error as Error).message}`, { cause: error });
  }
}

/** Python's `range(stop)`, or `range(start, stop, step)`. */
function boundedRange(first: number, second?: number | null, step: number | null = 1): number[] {
  const [start, stop] = typeof second === 'number' ? [first, second] : [0, first];
  const by = step ?? 1;
  if (by === 0) throw new Error('range() must not have a step of 0');
  const count = Math.max(0, Math.ceil((stop - start) / by));
  if (!(count <= LONGEST_RANGE)) {
    throw new Error(
      `range() must give at most ${LONGEST_RANGE} numbers: current value is ${count}`,
    );
  }
  return Array.from({ length: count }, (_, at) => start + at * by);
}
