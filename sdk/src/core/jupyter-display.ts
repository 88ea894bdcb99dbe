/** How an object says what it looks like in a notebook: a method that returns a MIME bundle. Deno's convention. */
export const jupyterDisplay = Symbol.for('Jupyter.display');

/** Where `@flowbook/kernel-extensions` leaves its charts for objects of the sdk. */
const drawSymbol = Symbol.for('flowbook.display.draw');

/** Data by MIME type. */
export type MimeBundle = Record<string, unknown>;

type Draw = (value: object) => Promise<MimeBundle | null>;

/**
 * What an object of the sdk shows: its chart when `@flowbook/kernel-extensions` is loaded, else a text.
 *
 * @example
 * const bundle = await drawOrDescribe({ sigmas: [1, 0] }, () => 'a schedule of 1 step');
 * bundle['text/plain']; // 'a schedule of 1 step'
 */
export async function drawOrDescribe(value: object, text: () => string): Promise<MimeBundle> {
  const draw = (globalThis as { [drawSymbol]?: Draw })[drawSymbol];
  return (await draw?.(value)) ?? { 'text/plain': text() };
}
