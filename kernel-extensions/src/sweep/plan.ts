import { existsSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { RandomKey } from '@flowbook/sdk';
import { z } from 'zod';
import { exportScript } from '../export/export-script';
import { readNotebook } from '../notebook/notebook-file';
import { replaceFile } from '../run-folder/replace-file';
import { makeRunDirectory, type WantedDirectory } from '../run-folder/run-directory';
import { readKept } from '../run-folder/kept-json';
import { scriptParameters } from '../script/script-parameters';
import { type Axis, checkPoints, gridPoints, randomPoints, SweepError, type Point } from './axes';

/** One run of a sweep. */
export interface PlannedRun {
  /** Its folder's name below the sweep's. */
  id: string;
  parameters: Point;
}

/** What `sweep.json` of a sweep's folder holds: everything that a resumed sweep needs. */
export interface SweepPlan {
  notebook: string;
  /** The script that all runs run, relative to the sweep's folder: a later edit of the notebook does not change a sweep. */
  script: string;
  axes: Axis[];
  random: { count: number; seed: number } | null;
  runs: PlannedRun[];
}

const planFile = 'sweep.json';

/**
 * Exports the notebook into the sweep's folder and writes the plan.
 *
 * @param listed The points, where they are not made from the axes.
 * @returns The plan, the folder, and what the export warns of.
 */
export async function makePlan(
  wanted: WantedDirectory,
  notebookFile: string,
  axes: Axis[],
  random: SweepPlan['random'],
  listed: Point[] | null,
): Promise<{ plan: SweepPlan; directory: string; warnings: string[] }> {
  const notebook = readNotebook(notebookFile);
  const points =
    listed ?? (random ? randomPoints(axes, random.count, drawer(random.seed)) : gridPoints(axes));
  checkPoints(points, scriptParameters(notebook));
  const directory = makeRunDirectory(wanted);
  const script = path.join(directory, `${path.basename(notebookFile, '.ipynb')}.ts`);
  const { text, warnings } = await exportScript(notebook, notebookFile, script, false);
  writeFileSync(script, text);
  const width = String(points.length).length;
  const plan: SweepPlan = {
    notebook: path.relative(directory, path.resolve(notebookFile)),
    script: path.basename(script),
    axes,
    random,
    runs: points.map((parameters, index) => ({
      id: [String(index + 1).padStart(width, '0'), ...Object.entries(parameters).map(named)].join(
        '-',
      ),
      parameters,
    })),
  };
  replaceFile(path.join(directory, planFile), `${JSON.stringify(plan, null, 2)}\n`);
  return { plan, directory, warnings };
}

const text = z.string('must be a text');
const list = 'must be a list';

/** A name in the sweep's folder: what it names is run, or written to. */
const name = (what: RegExp) =>
  text.refine((value) => what.test(value), 'must be a name without folders');

const planSchema: z.ZodType<SweepPlan> = z.object(
  {
    notebook: text,
    script: name(/^[^/\\]+\.ts$/),
    axes: z.array(
      z.discriminatedUnion(
        'kind',
        [
          z.object({ name: text, kind: z.literal('list'), values: z.array(text, list) }),
          z.object({
            name: text,
            kind: z.literal('range'),
            from: z.number('must be a number'),
            to: z.number('must be a number'),
            by: z.enum(['log', 'whole', 'any'], 'must be one of log, whole, any'),
          }),
        ],
        'must be an object whose kind is list or range',
      ),
      list,
    ),
    random: z
      .object(
        { count: z.number('must be a number'), seed: z.number('must be a number') },
        'must be an object, or null',
      )
      .nullable(),
    runs: z.array(
      z.object(
        {
          id: name(/^\d[\w=.-]*$/),
          parameters: z.record(z.string(), text, 'must be an object'),
        },
        'must be an object',
      ),
      list,
    ),
  },
  'must be an object',
);

/**
 * The plan of a sweep's folder; null when it holds none.
 *
 * @throws When it holds something else; the message names file, field and value.
 */
export function readPlan(directory: string): SweepPlan | null {
  const file = path.join(directory, planFile);
  if (!existsSync(file)) return null;
  try {
    return readKept(file, planSchema);
  } catch (error) {
    throw new SweepError((error as Error).message, { cause: error });
  }
}

/** Refuses another sweep in a folder that holds one. */
export function requireSamePlan(directory: string, axes: readonly Axis[]): SweepPlan {
  const plan = readPlan(directory);
  if (!plan)
    throw new SweepError(
      `Cannot resume as the folder must hold a ${planFile}: current value is ${directory}`,
    );
  if (axes.length > 0 && JSON.stringify(axes) !== JSON.stringify(plan.axes)) {
    throw new SweepError(
      `Cannot resume as the sweep in ${directory} has other parameters: leave out -p`,
    );
  }
  return plan;
}

function drawer(seed: number): (point: number, axis: number) => number {
  const key = RandomKey.fromSeed(seed);
  return (point, axis) => key.fold('sweep').fold(point).fold(axis).uniform();
}

function named([name, value]: [string, string]): string {
  return `${name}=${value}`.replace(/[^\w=.-]+/g, '_').slice(0, 40);
}
