import { mkdirSync } from 'node:fs';
import * as path from 'node:path';

/**
 * The folder that a run writes to when none is given: `runs/<time>-<name>`, local time, so that
 * folders sort by age.
 *
 * @example
 * runDirectory('01-flow-grpo', new Date(2026, 10, 23, 9, 5, 7)); // 'runs/20261123-090507-01-flow-grpo'
 */
export function runDirectory(name: string, now = new Date()): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`;
  const time = `${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`;
  return `runs/${day}-${time}-${name}`;
}

/** The folder that a run is to write to. */
export interface WantedDirectory {
  /** Absolute; it need not exist. */
  directory: string;
  /** Whether nobody gave it: then it must be this run's alone. */
  isDefault: boolean;
}

/** The folder that was given, or the default of a name. */
export function wantedDirectory(given: string | undefined, name: string): WantedDirectory {
  const directory = path.resolve(given ?? runDirectory(name));
  return { directory, isDefault: given === undefined };
}

/**
 * Makes a run's folder, and those above it. Where a default one is there already, as of a run begun in the same second, it is
 * `<folder>~2`, `~3` and so on, as folders of trainings are.
 *
 * @returns Its path.
 */
export function makeRunDirectory({ directory, isDefault }: WantedDirectory): string {
  mkdirSync(isDefault ? path.dirname(directory) : directory, { recursive: true });
  if (!isDefault) return directory;
  for (let count = 1; ; count += 1) {
    const own = count === 1 ? directory : `${directory}~${count}`;
    try {
      mkdirSync(own);
      return own;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}
