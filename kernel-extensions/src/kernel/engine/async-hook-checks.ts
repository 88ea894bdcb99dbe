/** Counters of Node's async hooks, on which AsyncLocalStorage is built up to Node 22. */
interface AsyncHookBinding {
  async_hook_fields: Uint32Array;
  constants: { kCheck: number; kTotals: number };
  clearAsyncIdStack(): void;
}

let binding: AsyncHookBinding | null | undefined;

/**
 * When an interrupt stops running JavaScript, Node's record of nested async contexts keeps entries
 * that nobody takes off, and Node aborts the process when it notices. Two counters say whether it
 * looks: `kCheck` (which `--no-force-async-hooks-checks` lowers only until AsyncLocalStorage raises it
 * again) and `kTotals`. Called when a cell starts; Node 24 and later have nothing to be told.
 */
export function allowUnbalancedAsyncHooks(): void {
  if (binding === undefined) binding = findBinding();
  if (!binding) return;
  binding.async_hook_fields[binding.constants.kCheck] = 0;
  binding.async_hook_fields[binding.constants.kTotals] = 0;
}

/** Called after running JavaScript was stopped: takes the left-over entries off. */
export function clearUnbalancedAsyncHooks(): void {
  binding?.clearAsyncIdStack();
}

function findBinding(): AsyncHookBinding | null {
  const host = process as unknown as { binding?(name: string): Partial<AsyncHookBinding> };
  try {
    const found = host.binding?.('async_wrap');
    const usable = found?.async_hook_fields && found.constants && found.clearAsyncIdStack;
    return usable ? (found as AsyncHookBinding) : null;
  } catch {
    return null;
  }
}
