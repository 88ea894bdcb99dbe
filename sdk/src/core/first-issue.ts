import type { z } from 'zod';

/** Where a value breaks its schema. */
export interface SchemaIssue {
  /** The dotted key; empty for the value itself. */
  at: string;
  /** What the schema says of it. */
  rule: string;
  /** What stands there. */
  value: unknown;
}

/**
 * The first place where a value breaks its schema.
 *
 * @example
 * import { z } from 'zod';
 *
 * const schema = z.object({ step: z.number('must be a number') });
 * const { error } = schema.safeParse({ step: 'two' });
 * firstIssue(error!, { step: 'two' }); // { at: 'step', rule: 'must be a number', value: 'two' }
 */
export function firstIssue({ issues: [issue] }: z.ZodError, input: unknown): SchemaIssue {
  const value = issue.path.reduce<unknown>(
    (from, key) => (from as Record<PropertyKey, unknown> | null | undefined)?.[key],
    input,
  );
  return { at: issue.path.join('.'), rule: issue.message, value };
}
