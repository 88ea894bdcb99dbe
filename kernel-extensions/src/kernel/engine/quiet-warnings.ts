/** What Node says of experimental and internal parts that the kernel itself uses. */
const OURS = /USE_MAIN_CONTEXT_DEFAULT_LOADER|process\.binding\('async_wrap'\)/;

/** Keeps warnings about the kernel's own doings out of notebooks; all others are shown. */
export function quietOwnWarnings(): void {
  const emitWarning = process.emitWarning.bind(process) as (...args: unknown[]) => void;
  process.emitWarning = (...args: unknown[]) => {
    if (!OURS.test(String(args[0]))) emitWarning(...args);
  };
}
