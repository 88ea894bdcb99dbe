import { createContext, Script } from 'node:vm';

/** Calls what its context holds. A script's time limit ends all that it calls, loops and regular expressions too. */
const call = new Script('work()');
const context = createContext({ work: null as (() => unknown) | null });

/**
 * Does work that cannot be trusted to end, such as what a file's template or regular expression asks for.
 *
 * @param work Is not asynchronous.
 * @throws After the limit, and what the work throws.
 * @example
 * withinTime(() => 'a'.repeat(3), 1000); // 'aaa'
 */
export function withinTime<Result>(work: () => Result, limitMs: number): Result {
  const { work: outer } = context;
  context.work = work;
  try {
    return call.runInContext(context, { timeout: limitMs }) as Result;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    throw new Error(`it must take at most ${limitMs} ms, and did not end within that`, {
      cause: error,
    });
  } finally {
    context.work = outer;
  }
}
