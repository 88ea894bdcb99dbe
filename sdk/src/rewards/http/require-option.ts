/** Throws when an option of a server's reward breaks its rule. */
export function requireOption(isMet: boolean, name: string, rule: string, value: unknown): void {
  if (isMet) return;
  throw new Error(
    `Cannot ask a server for rewards as ${name} must be ${rule}: current value is ${value}`,
  );
}
