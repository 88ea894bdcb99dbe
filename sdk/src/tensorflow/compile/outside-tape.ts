import { tf } from '../backend';

/** Runs `fn` as if no gradient were being taken around it. */
export function outsideTape<Result>(fn: () => Result): Result {
  const { state } = tf.engine();
  const { gradientDepth, kernelDepth, activeTape } = state;
  Object.assign(state, { gradientDepth: 0, kernelDepth: 0, activeTape: null });
  try {
    return fn();
  } finally {
    Object.assign(state, { gradientDepth, kernelDepth, activeTape });
  }
}
