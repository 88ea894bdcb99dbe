import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { RUN_FILES } from '@flowbook/sdk';
import { recordFile } from '../../script/script-record';

/** A file that marks a folder as a bundle. */
export const bundleMark = '.flowbook-bundle';

/**
 * Folders that earlier runs wrote, and earlier bundles: what is sent would else grow with every run.
 *
 * @param there Files below the project.
 */
export function leftByRuns(project: string, there: readonly string[]): string[] {
  const tests: Record<string, (file: string) => boolean> = {
    [bundleMark]: () => true,
    [recordFile]: (file) => typeof saidIn(file)?.parameters === 'object' && saysState(file),
    [RUN_FILES.record]: saysState,
  };
  const found = there.filter((file) => {
    const isLeft = tests[path.basename(file)];
    return file.includes(path.sep) && isLeft?.(path.join(project, file));
  });
  const folders = [...new Set(found.map((file) => path.dirname(file) + path.sep))].sort();
  return folders.filter((one) => !folders.some((two) => one !== two && one.startsWith(two)));
}

/** A record of an older version is no part of the project either: how the run stands is what every record says. */
const saysState = (file: string): boolean => typeof saidIn(file)?.state === 'string';

function saidIn(file: string): Record<string, unknown> | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown> | null;
  } catch {
    return null;
  }
}
