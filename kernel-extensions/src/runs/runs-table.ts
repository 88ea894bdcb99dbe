import type { RunSummary } from './run-summary';

/** A number with as many digits as a table needs. */
export function shortNumber(value: unknown): string {
  if (typeof value !== 'number') return String(value ?? '');
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(5)));
}

/** The names that any of the objects has, in order of appearance. */
export function namesOf(objects: readonly object[]): string[] {
  return [...new Set(objects.flatMap(Object.keys))];
}

/** Parameters that are not the same in all runs. */
export function differingParameters(runs: readonly RunSummary[]): string[] {
  return namesOf(runs.map(({ parameters }) => parameters)).filter((name) => {
    const values = runs.map(({ parameters }) => JSON.stringify(parameters[name]));
    return new Set(values).size > 1;
  });
}

/** Rows of texts in columns as wide as they need to be. */
export function textTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all
    .map((row) =>
      row
        .map((text, column) => text.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A run a row: its parameters, state and numbers. Times are left out: the same runs give the same table. */
export function runsTable(
  runs: readonly RunSummary[],
  parameters: readonly string[],
  mostMetrics = 6,
): string {
  const metrics = namesOf(runs.map((run) => run.metrics)).slice(0, mostMetrics);
  return textTable(
    ['run', ...parameters, 'state', 'step', ...metrics],
    runs.map((run) => [
      run.name,
      ...parameters.map((name) => shortNumber(run.parameters[name])),
      run.state,
      run.step === null ? '' : String(run.step),
      ...metrics.map((name) => shortNumber(run.metrics[name])),
    ]),
  );
}
