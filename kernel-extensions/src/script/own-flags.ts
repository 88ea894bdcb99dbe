import type { ParameterRule } from '../notebook/parameter-value';

/** Flags that every script has besides those of its notebook, as they are written. */
export const ownFlags = ['help', 'out', 'params', 'resume', 'json', 'dry-run'] as const;

/** The flag of every script's that a name would be, written `dry-run` or declared as `dryRun`; null for a name that is free. */
export function ownFlagOf(name: string): (typeof ownFlags)[number] | null {
  const written = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return ownFlags.find((one) => one === written) ?? null;
}

/** The rule of `--seed`, which a script has whose notebook declares no seed: what `Math.random` follows from. */
export const seedRule: ParameterRule = { kind: 'number', isWhole: true };
