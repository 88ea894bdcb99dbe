const inputKey = Symbol.for('flowbook.input');

type Ask = (prompt: string, password: boolean) => Promise<string>;

/**
 * Asks the user for a line of text in the notebook.
 *
 * @param options `password` hides what is typed.
 * @throws Outside Flowbook's kernel, and where the client cannot ask (a batch run).
 *
 * @example
 * const seed = commsAvailable() ? Number(await input('Seed: ')) : 1;
 */
export async function input(prompt = '', options: { password?: boolean } = {}): Promise<string> {
  const ask = (globalThis as { [key: symbol]: unknown })[inputKey] as Ask | undefined;
  if (!ask) throw new Error('Cannot ask for input as the code must run in the Flowbook kernel');
  return ask(prompt, options.password ?? false);
}
