import { z } from 'zod';
import { firstIssue } from '../../core/first-issue';
import { keeps, wholeNumber } from '../../core/option-rules';
import { showValue } from '../../core/show-value';
import { readJsonLines } from '../../io/json-lines';

/** A whole number that arithmetic keeps exact. */
export function wholeFrom(least: number) {
  const whole = wholeNumber(least);
  return z.custom<number>((value) => keeps(value, whole), `must be ${whole.words}`);
}

/** A number that is no less than 0, and no infinity. */
export const notNegative = (rule: string) =>
  z.custom<number>((value) => Number.isFinite(value) && (value as number) >= 0, rule);

export const text = z.string('must be a text');

/** Anything by name, as settings are. */
export const section = z.record(z.string(), z.unknown(), 'must be an object');

export const versionsByName = z.record(
  z.string(),
  z.string('must be a text, or null').nullable(),
  'must be an object',
);

/**
 * What a run's file holds, once its fields keep their rules: whoever wrote it, nothing in it is taken on trust.
 *
 * @param where What of the file it is, for example `row 3`. Default: null, all of it.
 * @throws When a field breaks its rule; the message names it and its value.
 * @example
 * import { z } from 'zod';
 *
 * const schema = z.object({ step: z.number('must be a number') });
 * checkedFields(schema, { step: 2, more: 'of it' }, 'runs/one/run.json'); // { step: 2 }
 */
export function checkedFields<Fields>(
  schema: z.ZodType<Fields>,
  written: unknown,
  path: string,
  where: string | null = null,
): Fields {
  const { data, error } = schema.safeParse(written);
  if (error === undefined) return data;
  const { at, rule, value } = firstIssue(error, written);
  const field = where === null ? `its ${at}` : at === '' ? where : `${at} of ${where}`;
  throw new Error(
    `Cannot read "${path}" as ${field} ${rule}: current value is ${showValue(value)}`,
  );
}

/**
 * The same of a file that grows by lines: a last one that is not whole yet, or that a crash cut off, is left out.
 *
 * @throws When another line is not JSON, or a field of it breaks its rule; the message names file, line, field and value.
 */
export function checkedLines<Line>(schema: z.ZodType<Line>, path: string): Line[] {
  return readJsonLines(path, { isGrowing: true }).map((written, at) =>
    checkedFields(schema, written, path, `row ${at + 1}`),
  );
}
