/** Who waits for a signal. */
interface Waiting {
  acts: Set<() => void>;
  listener: () => void;
}

const waitingFor = new WeakMap<AbortSignal, Waiting>();

/**
 * Calls `act` once a signal is aborted. The signal gets one listener, however many wait for it: Node.js warns of a leak from
 * eleven on, and a rollout has as many parts.
 *
 * @param signal One that is not aborted yet; null never is.
 * @returns Stops waiting.
 * @example
 * const controller = new AbortController();
 * const acted: string[] = [];
 * onAbort(controller.signal, () => void acted.push('stopped'));
 * controller.abort();
 * acted; // ['stopped']
 */
export function onAbort(signal: AbortSignal | null | undefined, act: () => void): () => void {
  if (!signal) return () => {};
  const waiting = waitingFor.get(signal) ?? listenTo(signal);
  const own = () => act();
  waiting.acts.add(own);
  return () => {
    waiting.acts.delete(own);
    if (waiting.acts.size > 0) return;
    signal.removeEventListener('abort', waiting.listener);
    if (waitingFor.get(signal) === waiting) waitingFor.delete(signal);
  };
}

function listenTo(signal: AbortSignal): Waiting {
  const acts = new Set<() => void>();
  const listener = () => {
    for (const act of [...acts]) act();
  };
  signal.addEventListener('abort', listener, { once: true });
  const waiting = { acts, listener };
  waitingFor.set(signal, waiting);
  return waiting;
}
