import { randomUUID } from 'node:crypto';
import { ANYTHING, checkOptions, type Rules } from '@flowbook/sdk/option-rules';
import { publishInOrder } from './publish-queue';
import { displaySink } from './sinks/current-sink';
import type { DisplaySink } from './sinks/display-sink';
import { toBundle } from './to-bundle';

/** Where and under what name a value is displayed. */
export interface DisplayOptions {
  /** Names the output for `updateDisplay`. */
  displayId?: string;
  /** Kebab-case name for files; default is the drawing's own. */
  name?: string;
  /** Default: the current sink (`displaySink()`). */
  sink?: DisplaySink;
}

const UPDATE_RULES: Rules<Omit<DisplayOptions, 'displayId'>> = { name: ANYTHING, sink: ANYTHING };

const RULES: Rules<DisplayOptions> = { ...UPDATE_RULES, displayId: ANYTHING };

/**
 * Shows a value where the code runs: in the notebook, in a script's files, in a test's memory.
 * Calls are published in the order they were made, also when nobody awaits them.
 *
 * @param value anything that `toBundle` takes.
 * @example
 * await display('step 1', { displayId: 'progress' });
 * await updateDisplay('progress', 'step 2');
 */
export function display(value: unknown, options: DisplayOptions = {}): Promise<void> {
  checkOptions('display', options, RULES);
  return show(value, false, options.displayId ?? randomUUID(), options);
}

/**
 * Replaces every output that was displayed under `displayId`.
 *
 * @param value anything that `toBundle` takes.
 *
 * @example
 * const sink = new MemorySink();
 * await display('step 1', { displayId: 'progress', sink });
 * await updateDisplay('progress', 'step 2', { sink });
 * sink.published.map(({ update }) => update); // [false, true]
 */
export function updateDisplay(
  displayId: string,
  value: unknown,
  options: Omit<DisplayOptions, 'displayId'> = {},
): Promise<void> {
  checkOptions('display', options, UPDATE_RULES);
  return show(value, true, displayId, options);
}

/**
 * Clears the cell's output at once, or with `wait` when its next output arrives.
 *
 * @example
 * const sink = new MemorySink();
 * const restore = setDisplaySink(sink);
 * await clearOutput({ wait: true });
 * restore();
 * sink.clears; // [{ wait: true }]
 */
export function clearOutput(options: { wait?: boolean } = {}): Promise<void> {
  checkOptions('clear the output', options, { wait: ANYTHING });
  const { wait = false } = options;
  const sink = displaySink();
  return publishInOrder(undefined, () => sink.clear?.({ wait }));
}

function show(
  value: unknown,
  update: boolean,
  displayId: string,
  { name, sink = displaySink() }: DisplayOptions,
): Promise<void> {
  return publishInOrder(toBundle(value), (bundle) =>
    sink.publish(name === undefined ? bundle : { ...bundle, name }, { displayId, update }),
  );
}
