import { tf } from './backend';

/**
 * `tf.tidy` for a result of any type: tuples, objects, and null among its tensors.
 *
 * @example
 * const { sum, note } = tidyResult(() => ({ sum: tf.add(tf.ones([2]), 1), note: 'kept' }));
 * sum; // [2, 2]
 */
export function tidyResult<Result>(run: () => Result): Result {
  return tf.tidy(run as unknown as () => tf.TensorContainer) as unknown as Result;
}

/**
 * `tf.tidy` for an asynchronous function: disposes every tensor made inside, except what it returns and what was kept.
 *
 * Scopes nest, so no other tensor code may run while it waits: wait for one scope before starting the next.
 *
 * @param run What to do.
 * @returns What `run` returned; tensors in it (also nested) survive.
 *
 * @example
 * const mean = await asyncTidy(async () => tf.tensor([1, 2, 3]).mean());
 */
export async function asyncTidy<Result>(run: () => Promise<Result>): Promise<Result> {
  const engine = tf.engine();
  engine.startScope('asyncTidy');
  let result: Result | undefined;
  try {
    result = await run();
    return result;
  } finally {
    engine.endScope(result as tf.TensorContainer);
  }
}
