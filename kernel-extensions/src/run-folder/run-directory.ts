import { mkdirSync } from 'node:fs';
import * as path from 'node:path';
import { makeRunFolder, nextRunFolder } from '@flowbook/sdk';

/** Where runs write when nothing else is said, relative to where they are started. */
export const RUNS = 'runs';

/** The folder that a run is to write to. */
export interface WantedDirectory {
  /** Absolute; it need not exist. */
  directory: string;
  /** Whether nobody gave it: then it must be this run's alone. */
  isDefault: boolean;
}

/** The folder that was given, or the default of a name. */
export function wantedDirectory(
  given: string | undefined,
  name: string,
  now = new Date(),
): WantedDirectory {
  const directory = path.resolve(given ?? nextRunFolder(RUNS, name, now));
  return { directory, isDefault: given === undefined };
}

/**
 * Makes a run's folder, and those above it. Where a default one is there already, as of a run that was quicker, it gets the next
 * number behind `~`, as folders of trainings do.
 *
 * @returns Its path.
 */
export function makeRunDirectory({ directory, isDefault }: WantedDirectory): string {
  if (isDefault) return makeRunFolder(directory);
  mkdirSync(directory, { recursive: true });
  return directory;
}
