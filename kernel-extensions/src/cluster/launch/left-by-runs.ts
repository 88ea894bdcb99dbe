import * as path from 'node:path';
import { readRunRecord } from '@flowbook/sdk';
import { readRecord, recordFile } from '../../script/script-record';

/** A file that marks a folder as a bundle. */
export const bundleMark = '.flowbook-bundle';

/**
 * Folders that earlier runs wrote, and earlier bundles: what is sent would else grow with every run.
 *
 * @param there Files below the project.
 */
export function leftByRuns(project: string, there: readonly string[]): string[] {
  const tests: Record<string, (folder: string) => boolean> = {
    [bundleMark]: () => true,
    [recordFile]: (folder) => readRecord(folder) !== null,
    'run.json': isTrainingRun,
  };
  const found = there.filter((file) => {
    const isLeft = tests[path.basename(file)];
    return file.includes(path.sep) && isLeft?.(path.join(project, path.dirname(file)));
  });
  const folders = [...new Set(found.map((file) => path.dirname(file) + path.sep))].sort();
  return folders.filter((one) => !folders.some((two) => one !== two && one.startsWith(two)));
}

function isTrainingRun(folder: string): boolean {
  try {
    return typeof readRunRecord(folder)?.state === 'string';
  } catch {
    return false;
  }
}
