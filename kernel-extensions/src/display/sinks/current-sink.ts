import { ConsoleSink } from './console-sink';
import type { DisplaySink } from './display-sink';
import { stockTslabSink } from './tslab-sink';

const key = Symbol.for('flowbook.display.sink');
const place = globalThis as { [key]?: DisplaySink };

let fallback: ConsoleSink | undefined;

/**
 * The sink that displays go to: the one that was set (by Flowbook's kernel, a script, a test), else
 * stock tslab's output where that kernel runs us, else the terminal.
 *
 * @example
 * const restore = setDisplaySink(null);
 * displaySink() instanceof ConsoleSink; // true // here, in a script
 * restore();
 */
export function displaySink(): DisplaySink {
  return place[key] ?? stockTslabSink() ?? (fallback ??= new ConsoleSink());
}

/**
 * Sets the sink (null: back to the default) and returns a function that restores the former one.
 *
 * @example
 * const sink = new MemorySink();
 * const restore = setDisplaySink(sink);
 * displaySink() === sink; // true
 * restore();
 */
export function setDisplaySink(sink: DisplaySink | null): () => void {
  const former = place[key];
  if (sink === null) delete place[key];
  else place[key] = sink;
  return () => setDisplaySink(former ?? null);
}
