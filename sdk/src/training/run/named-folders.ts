import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Local time, as folders' names begin. */
function stampOf(now: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`;
  return `${day}-${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`;
}

/** A run's folder below others: `<stamp>-<name>`, with `~<count>` from the second of a stamp on. */
interface NamedFolder {
  folder: string;
  stamp: string;
  count: number;
}

/** The folders of a name, the newest last. */
function foldersOf(parent: string, name: string): NamedFolder[] {
  if (!existsSync(parent)) return [];
  return readdirSync(parent)
    .flatMap((folder) => {
      const [, stamp, own, count = '1'] = /^(\d{8}-\d{6})-(.*?)(?:~(\d+))?$/.exec(folder) ?? [];
      return own === name ? [{ folder: join(parent, folder), stamp, count: Number(count) }] : [];
    })
    .sort((a, b) => (a.stamp === b.stamp ? a.count - b.count : a.stamp < b.stamp ? -1 : 1));
}

/**
 * The folders of all runs of a name below another folder, the newest first.
 *
 * @example
 * runFolders('runs', 'shapes'); // [] // here, where there was none
 */
export function runFolders(parent: string, name: string): string[] {
  return foldersOf(parent, name)
    .map(({ folder }) => folder)
    .reverse();
}

/**
 * The folder that the next run of a name is to have, `<parent>/<time>-<name>` by local time: the newest of its name. Where the clock
 * is behind the one before, as after a change of the time zone, that one's time is taken with the next number.
 *
 * @example
 * nextRunFolder('runs', 'shapes', new Date(2026, 10, 23, 9, 5, 7)); // 'runs/20261123-090507-shapes'
 */
export function nextRunFolder(parent: string, name: string, now = new Date()): string {
  const before = foldersOf(parent, name).at(-1);
  const own = stampOf(now);
  if (before === undefined || before.stamp < own) return join(parent, `${own}-${name}`);
  return join(parent, `${before.stamp}-${name}~${before.count + 1}`);
}

/**
 * Makes a folder that `nextRunFolder` gave, and those above it. Where another run was quicker, it gets the next number.
 *
 * @returns Its path.
 * @throws When the operating system refuses.
 *
 * @example
 * makeRunFolder(nextRunFolder('runs', 'shapes'));
 */
export function makeRunFolder(folder: string): string {
  const parent = dirname(folder);
  mkdirSync(parent, { recursive: true });
  const [, first, count = '1'] = /^(.*?)(?:~(\d+))?$/.exec(basename(folder)) as string[];
  for (let next = Number(count); ; next++) {
    const own = next === Number(count) ? folder : join(parent, `${first}~${next}`);
    try {
      mkdirSync(own);
      return own;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}
