import { showValue } from '../../core/show-value';
import { z } from 'zod';
import { readJsonLines } from '../../io/json-lines';
import {
  COLORS,
  PROMPT_KINDS,
  RELATIONS,
  SHAPES,
  type ColorName,
  type ShapesPrompt,
} from './world';

const schema = z.object({
  prompt: z.string().min(1),
  kind: z.enum(PROMPT_KINDS),
  objects: z
    .array(
      z.object({
        shape: z.enum(SHAPES),
        color: z.enum(Object.keys(COLORS) as [ColorName, ...ColorName[]]).nullable(),
      }),
    )
    .min(1)
    .max(3),
  relation: z.enum(RELATIONS).nullable(),
});

/**
 * Checks that a record is a prompt of the shapes world.
 *
 * @throws With the field and the rule that it breaks.
 *
 * @example
 * const record = { prompt: 'a circle', kind: 'single_object', objects: [{ shape: 'circle', color: null }], relation: null };
 * parseShapesPrompt(record).kind; // 'single_object'
 */
export function parseShapesPrompt(record: unknown): ShapesPrompt {
  const result = schema.safeParse(record);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = issue.path.join('.') || 'the record';
  throw new Error(
    `Cannot judge a prompt as ${where} must follow datasets/shapes (${issue.message}): current value is ${showValue(record)}`,
  );
}

/**
 * Reads prompts of the shapes world.
 *
 * @param path A JSONL file such as `datasets/shapes/train.jsonl`.
 * @throws When the file cannot be read, or a line is no such prompt.
 *
 * @example
 * const [first] = loadShapesPrompts('datasets/shapes/train.jsonl');
 * first.prompt; // 'a circle'
 */
export function loadShapesPrompts(path: string): ShapesPrompt[] {
  return readJsonLines(path).map(parseShapesPrompt);
}
