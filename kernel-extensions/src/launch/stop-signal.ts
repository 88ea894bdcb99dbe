/** What a stopped command ends with, as shells count signals. */
const codes: Partial<Record<NodeJS.Signals, number>> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

/** A stop that was asked for by Ctrl-C or a polite kill. */
export interface StopRequest {
  signal: AbortSignal;
  /** What a command ends with that was stopped; null when it was not. */
  code(): number | null;
  /** Gives those keys their usual meaning back. */
  forget(): void;
}

/** Aborts on Ctrl-C or a polite kill; a second one ends the process at once. */
export function stopSignal(): StopRequest {
  const controller = new AbortController();
  let code: number | null = null;
  const stop = (name: NodeJS.Signals): void => {
    if (code !== null) process.exit(code);
    code = codes[name] ?? 1;
    controller.abort(new Error(`stopped by ${name}`));
  };
  const names: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const name of names) process.on(name, stop);
  return {
    signal: controller.signal,
    code: () => code,
    forget: () => names.forEach((name) => process.removeListener(name, stop)),
  };
}
