/**
 * An error that says which file could not be read.
 *
 * @param error What the operating system threw; it stays the cause.
 * @example
 * const missing = Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT' });
 * readProblem('prompts.jsonl', missing).message; // 'Cannot read "prompts.jsonl": ENOENT: no such file'
 */
export function readProblem(path: string, error: unknown): Error {
  return new Error(`Cannot read "${path}": ${(error as Error).message}`, { cause: error });
}
