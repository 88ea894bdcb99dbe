import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import * as path from 'node:path';
import type { RunRecord } from '@flowbook/sdk';

/** A folder, and those below it that `runName` makes, by name; none where it is not there. */
export function runFoldersIn(directory: string): string[] {
  if (!existsSync(directory)) return [];
  const inner = readdirSync(directory, { withFileTypes: true })
    .filter((one) => one.isDirectory())
    .map(({ name }) => path.join(directory, name))
    .sort();
  return [directory, ...inner];
}

/** Whether this process still trains below a folder. Without the sdk's reader: a thread of the kernel asks, which has not loaded the sdk. */
export function isTraining(directory: string): boolean {
  return runFoldersIn(directory).some((run) => {
    const { state, process: by } = fieldsOf(path.join(run, 'run.json'));
    return state === 'running' && by?.pid === process.pid && by.host === hostname();
  });
}

/** Of a record that cannot be read nothing: another program's run.json says nothing of a training. */
function fieldsOf(file: string): Partial<Pick<RunRecord, 'state' | 'process'>> {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) ?? {}) as Partial<RunRecord>;
  } catch {
    return {};
  }
}
