import type { LogLine } from '@flowbook/sdk';

/** Share of a run's steps that its last means are taken over. */
const SHARE = 0.1;

/** Not measures of what was learned. */
const LEFT_OUT = new Set(['step', 'seconds']);

/** Means of everything that is logged at each step over the last tenth of a run's steps, by the log's names. */
export function lastMeans(log: readonly LogLine[]): Record<string, number> {
  const steps = log.filter(({ step }) => step > 0);
  const last = steps.slice(-Math.max(1, Math.ceil(steps.length * SHARE)));
  const names = Object.keys(last[0] ?? {}).filter(
    (name) => !LEFT_OUT.has(name) && last.every((line) => Number.isFinite(line[name])),
  );
  return Object.fromEntries(
    names.map((name) => {
      const mean = last.reduce((sum, line) => sum + line[name], 0) / last.length;
      return [name, Number(mean.toPrecision(5))];
    }),
  );
}
