import { existsSync } from 'node:fs';
import * as path from 'node:path';
import { exitCodes } from '../script/exit-codes';
import { heedStops } from '../script/heed-stops';
import type { WantedDirectory } from '../run-folder/run-directory';
import { writeComparePage } from '../runs/compare-page';
import { summarizeRun, type RunSummary } from '../runs/run-summary';
import { runsTable } from '../runs/runs-table';
import { parseAxis, SweepError } from './axes';
import { LiveTable } from './live-table';
import { axesOf, readPoints } from './points-file';
import { makePlan, readPlan, requireSamePlan, type SweepPlan } from './plan';
import { runAll } from './run-all';

/** What `flowbook sweep` was asked for. */
export interface SweepRequest extends WantedDirectory {
  /** undefined takes up what the folder holds. */
  notebook: string | undefined;
  parameters: ReadonlyMap<string, string>;
  random: SweepPlan['random'];
  /** File that lists the runs, in place of parameters. */
  points: string | undefined;
  jobs: number;
  retries: number;
}

/**
 * Runs a sweep, or what is left of one; the table goes to stdout, progress to stderr, a page to the sweep's folder.
 *
 * @returns the exit code: 0 all runs done, 1 some failed, 75 stopped by SIGTERM, 130 interrupted.
 * @throws SweepError for a wrong sweep.
 */
export async function runSweep(request: SweepRequest): Promise<number> {
  const { jobs, retries } = request;
  const { plan, directory } = await planOf(request);
  const say = (line: string): boolean => process.stderr.write(`${line}\n`);
  say(`${plan.runs.length} runs in ${path.relative(process.cwd(), directory) || '.'}`);
  const stop = new AbortController();
  const stops = heedStops(
    () => {
      say('Stopping: runs may finish their steps. --resume goes on.');
      stop.abort();
    },
    () => undefined,
  );
  const table = new LiveTable(directory, plan);
  table.begin();
  try {
    await runAll(directory, plan, {
      jobs,
      retries,
      signal: stop.signal,
      onNotice: (line) => table.notice(line),
      onChange: (run, what, code) => {
        const { state, error } = summarizeRun(path.join(directory, run.id));
        const outcome = error ?? (code === exitCodes.done ? state : `${state}, exit code ${code}`);
        table.say(what === 'begins' ? `${run.id} begins` : `${run.id} ${outcome}`);
      },
    });
  } finally {
    table.end();
    stops.end();
  }
  const runs = sweepRuns(directory, plan);
  const parameters = plan.axes.map(({ name }) => name);
  process.stdout.write(`${runsTable(runs, parameters)}\n`);
  const title = `${path.basename(plan.notebook)}: ${plan.runs.length} runs`;
  await writeComparePage(path.join(directory, 'index.html'), title, runs, parameters);
  if (stops.by !== null) return stops.by === 'SIGINT' ? exitCodes.interrupted : exitCodes.toResume;
  return runs.every(({ state }) => state === 'done') ? exitCodes.done : exitCodes.failed;
}

/** The runs of a sweep as they stand; those that have not begun have their parameters already. */
function sweepRuns(directory: string, plan: SweepPlan): RunSummary[] {
  return plan.runs.map(({ id, parameters }) => {
    const run = summarizeRun(path.join(directory, id));
    return { ...run, parameters: { ...parameters, ...run.parameters } };
  });
}

async function planOf({
  notebook,
  directory,
  isDefault,
  parameters,
  random,
  points,
}: SweepRequest): Promise<{ plan: SweepPlan; directory: string }> {
  const listed = points === undefined ? null : readPoints(points);
  const axes = listed
    ? axesOf(listed)
    : [...parameters].map(([name, text]) => parseAxis(name, text));
  if (notebook === undefined) return { plan: requireSamePlan(directory, axes), directory };
  if (!isDefault && readPlan(directory)) {
    throw new SweepError(
      `Cannot begin a sweep as --out must be a folder without one (--resume goes on with it): current value is ${directory}`,
    );
  }
  if (!existsSync(notebook))
    throw new SweepError(`Cannot sweep as the notebook must exist: current value is ${notebook}`);
  const wanted = { directory, isDefault };
  const { warnings, ...made } = await makePlan(wanted, notebook, axes, random, listed);
  for (const warning of warnings) process.stderr.write(`Warning ${warning}\n`);
  return made;
}
