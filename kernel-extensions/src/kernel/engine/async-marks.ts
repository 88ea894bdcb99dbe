import { inspect } from 'node:util';

/** What AsyncLocalStorage, up to Node 22, writes on promises and timers. */
const OF_PROMISES = /^(kResourceStore|async_id_symbol|trigger_async_id_symbol)$/;
/** A timer's other marks are there without AsyncLocalStorage, too. */
const OF_TIMERS = /^kResourceStore$/;

type Inspector = (this: object, ...rest: unknown[]) => unknown;

/** Keeps what the kernel knows of promises and timers out of sight: `console.log(promise)` shows the promise alone. */
export function hideAsyncMarks(): void {
  const timeout = setTimeout(() => {}, 0);
  const immediate = setImmediate(() => {});
  hideIn(Promise.prototype, OF_PROMISES);
  for (const timer of [timeout, immediate]) {
    hideIn(Object.getPrototypeOf(timer) as object, OF_TIMERS);
  }
  clearTimeout(timeout);
  clearImmediate(immediate);
}

function hideIn(prototype: object, names: RegExp): void {
  const own = (prototype as { [inspect.custom]?: Inspector })[inspect.custom];
  const value: Inspector = function (...rest) {
    for (const mark of Object.getOwnPropertySymbols(this)) {
      if (!names.test(mark.description ?? '')) continue;
      Object.defineProperty(this, mark, { enumerable: false });
    }
    return own ? own.apply(this, rest) : this; // an object that gives itself is inspected as usual
  };
  Object.defineProperty(prototype, inspect.custom, { configurable: true, writable: true, value });
}
