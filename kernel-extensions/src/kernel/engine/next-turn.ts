import { clearImmediate, setImmediate, setTimeout } from './own-timers';

/** An immediate with what Node keeps in it: the one before it in its list. */
type ListedImmediate = NodeJS.Immediate & { _idlePrev?: object | null };

/** Pieces of work that wait for a timer. */
let waiting = 0;

/**
 * Runs `work` from the event loop, not from a promise's callback: when an interrupt stops running JavaScript, promise callbacks
 * that wait behind it are lost, and the kernel's must not be among them. Work begins in the order in which it is handed over.
 *
 * Where other immediates are due before, a timer runs it: Node would go on for ever with a list of immediates of which a later one
 * was stopped (`processImmediate` then looks for the one before it), and nothing could end that any more.
 */
export function nextTurn(work: () => void): void {
  const turn: ListedImmediate = setImmediate(work);
  if (!turn._idlePrev && waiting === 0) return;
  clearImmediate(turn);
  waiting += 1;
  setTimeout(() => {
    waiting -= 1;
    work();
  }, 0);
}
