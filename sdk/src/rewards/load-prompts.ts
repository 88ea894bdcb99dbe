import { extname } from 'node:path';
import { z } from 'zod';
import { showValue } from '../core/show-value';
import { readJsonLines } from '../io/json-lines';
import { readParquet } from '../io/read-parquet';
import type { PromptRecord } from './reward-registry';

/** How a prompt stands in verl's files: messages of a chat. */
const chatSchema = z.array(z.object({ role: z.string(), content: z.string() }));

/** What a user says in a chat, line by line. */
function userText(chat: z.infer<typeof chatSchema>): string {
  return chat
    .filter(({ role }) => role === 'user')
    .map(({ content }) => content)
    .join('\n');
}

/** A text as it stands, or what the user says in a chat; null for anything else. */
function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value;
  const chat = chatSchema.safeParse(value);
  return chat.success ? userText(chat.data) : null;
}

function promptOf({ prompt, extra_info }: Record<string, unknown>): string | null {
  const raw = (extra_info as { raw_prompt?: unknown } | null | undefined)?.raw_prompt;
  // Where a file has verl's columns, the plain words stand beside the chat.
  const text =
    Array.isArray(prompt) && typeof raw === 'string' && raw !== '' ? raw : textOf(prompt);
  return text?.trim() ? text : null;
}

function recordOf(row: unknown, number: number, path: string): PromptRecord {
  const columns = typeof row === 'object' ? ((row ?? {}) as Record<string, unknown>) : {};
  const prompt = promptOf(columns);
  if (prompt === null) {
    throw new Error(
      `Cannot read prompts from "${path}" as row ${number} must have a prompt, a text or a chat in which a user says something: current value is ${showValue(columns.prompt ?? row)}`,
    );
  }
  const { negative_prompt: negative } = columns;
  if (negative === undefined || negative === null) return { ...columns, prompt };
  return { ...columns, prompt, negative_prompt: textOf(negative) ?? negative };
}

/**
 * Reads prompts with everything else that their file says of them, one record a row.
 *
 * A prompt is a text, or, as in verl's and verl-omni's files, a chat (`[{role, content}]`), of which the user's words count;
 * a plain text in `extra_info.raw_prompt` goes before the chat's. A `negative_prompt` is read the same way. Other columns
 * (`data_source`, `ability`, `reward_model`, `extra_info`, and own ones) are handed on as they are.
 *
 * @param path A JSONL (`.jsonl`) or Parquet (`.parquet`) file.
 * @throws When the name ends otherwise, the file cannot be read, or a row has no prompt; the message names the row, from 1.
 * @example
 * const [record] = await loadPrompts('datasets/shapes/held-out.parquet');
 * record.prompt; // 'a circle'
 * record.data_source; // 'shapes'
 */
export async function loadPrompts(path: string): Promise<PromptRecord[]> {
  const rows = await readRows(path);
  return rows.map((row, index) => recordOf(row, index + 1, path));
}

function readRows(path: string): unknown[] | Promise<unknown[]> {
  switch (extname(path).toLowerCase()) {
    case '.jsonl':
      return readJsonLines(path);
    case '.parquet':
      return readParquet(path);
    default:
      throw new Error(
        `Cannot read prompts as the file's name must end in .jsonl or .parquet: current value is "${path}"`,
      );
  }
}
