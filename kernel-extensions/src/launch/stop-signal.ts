/**
 * Aborts on Ctrl-C or a polite kill; a second one ends the process at once.
 *
 * @returns the signal, and `forget`, which gives those keys their usual meaning back
 */
export function stopSignal(): { signal: AbortSignal; forget: () => void } {
  const controller = new AbortController();
  const stop = (name: string): void => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort(new Error(`stopped by ${name}`));
  };
  const names: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const name of names) process.on(name, stop);
  const forget = (): void => names.forEach((name) => process.removeListener(name, stop));
  return { signal: controller.signal, forget };
}
