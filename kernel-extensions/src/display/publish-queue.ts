/** Something with a last frame that must not be lost. */
export interface Unsettled {
  settle(): Promise<void>;
}

interface QueueState {
  tail: Promise<unknown>;
  unsettled: Set<Unsettled>;
}

// One queue a process: the kernel's copy of this package settles what a notebook's own copy draws.
const key = Symbol.for('flowbook.display.queue');
const place = globalThis as { [key]?: QueueState };

function state(): QueueState {
  return (place[key] ??= { tail: Promise.resolve(), unsettled: new Set() });
}

/**
 * Publishes what is drawn, after all that was called earlier, whether that succeeded or not. A drawing that is done only
 * after displays were abandoned is dropped: it would come after newer ones.
 */
export function publishInOrder<T>(
  drawing: T | PromiseLike<T>,
  publish: (drawn: Awaited<T>) => void | Promise<void>,
): Promise<void> {
  const queue = state();
  const run = queue.tail.then(async () => {
    const drawn = await drawing;
    if (queue === place[key]) await publish(drawn);
  });
  queue.tail = run.then(
    () => undefined,
    () => undefined,
  );
  return run;
}

/** The live displays whose last frame is not drawn in full yet; another set once displays were abandoned. */
export function unsettledDisplays(): Set<Unsettled> {
  return state().unsettled;
}

/**
 * Begins anew, without what was called so far: a drawing that an interrupt stopped never settles, and whatever is called
 * after it would wait for it. The kernel calls it when it abandons a cell.
 */
export function abandonDisplays(): void {
  delete place[key];
}

/**
 * Waits for every display that was called, and draws the last frame of every live one in full (with
 * its PNG). The kernel and the script runtime call it at the end of each cell, also of a failed one.
 *
 * @throws What drawing one of them threw, once all are done.
 */
export async function settleDisplays(): Promise<void> {
  const queue = state();
  const outcomes = await Promise.allSettled([...queue.unsettled].map((live) => live.settle()));
  await queue.tail;
  const failed = outcomes.find(({ status }) => status === 'rejected');
  if (failed) throw (failed as PromiseRejectedResult).reason;
}
