/** Flags that every script has besides those of its notebook; a notebook may declare a `seed` of its own. */
export const ownFlags = ['help', 'out', 'params', 'resume', 'json', 'dryRun'] as const;
