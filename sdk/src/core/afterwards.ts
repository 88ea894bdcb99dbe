/**
 * Runs `work`, and `done` once afterwards, whether it failed or not: at once, or when its promise is settled.
 *
 * @returns What `work` returns.
 */
export function afterwards<Result>(work: () => Result, done: () => void): Result {
  let result: Result;
  try {
    result = work();
  } catch (error) {
    done();
    throw error;
  }
  if (result instanceof Promise) return result.finally(done) as Result;
  done();
  return result;
}
