import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  statSync,
  type Stats,
} from 'node:fs';
import * as path from 'node:path';
import { leftByRuns } from './left-by-runs';
import { holdsSecret } from './secret-contents';

/** What a bundle sends and what it leaves out. */
export interface BundleFiles {
  /** Paths below the folder, sorted. */
  files: string[];
  /** Bytes of each file. */
  sizes: ReadonlyMap<string, number>;
  /** Of all files together. */
  bytes: number;
  /** Left out as they look like secrets. */
  secrets: string[];
  /** Left out as they are links that lead out of the folder. */
  outside: string[];
  /** Left out as they are no files, by what they are: links to folders, links that lead nowhere, repositories within this one. */
  noFiles: ReadonlyMap<string, string>;
  /** Left out as runs wrote them, or as they are earlier bundles: folders with a `/` at their end. */
  runs: string[];
  /** Left out as git ignores them; folders as a whole, with a `/` at their end. */
  ignored: string[];
}

/** What git lists of a folder; null where there is no git. */
function listedByGit(folder: string, ...options: string[]): string[] | null {
  try {
    const listed = execFileSync('git', ['ls-files', '-z', '--exclude-standard', ...options], {
      cwd: folder,
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return [...new Set(listed.split('\0'))].filter((file) => file !== '').sort();
  } catch {
    return null;
  }
}

/** Without git: all files but those of hidden folders, of node_modules and of earlier runs. */
function walk(folder: string, below: string): string[] {
  return readdirSync(path.join(folder, below), { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(below, entry.name);
    if (entry.isFile() || entry.isSymbolicLink()) return [file];
    const isLeft = entry.name === 'node_modules' || entry.name.startsWith('.') || file === 'runs';
    return entry.isDirectory() && !isLeft ? walk(folder, file) : [];
  });
}

/**
 * The files that a project's job takes along: all that git does not ignore; without git, those of no hidden folder, of no
 * node_modules and not of `runs`. Secrets stay, links to folders and out of the project, submodules, and what earlier runs wrote.
 *
 * @param only Folders and files below the project to take, all by default. Of what runs wrote, only what is named here is taken.
 * @throws When one of them is not there.
 *
 * @example
 * import { writeFileSync } from 'node:fs';
 * writeFileSync('train.ts', 'console.log(1);\n');
 * bundleFiles('.', ['train.ts']).files; // ['train.ts']
 */
export function bundleFiles(folder: string, only: readonly string[] = []): BundleFiles {
  const there = listedByGit(folder, '--cached', '--others') ?? walk(folder, '').sort();
  const isTaken = wantedBelow(folder, only, there);
  const named = only.map((one) => path.relative(folder, path.resolve(folder, one)) + path.sep);
  const runs = leftByRuns(folder, there).filter((run) => !named.some((one) => one.startsWith(run)));
  const bundle = {
    runs,
    files: [] as string[],
    sizes: new Map<string, number>(),
    bytes: 0,
    secrets: [] as string[],
    outside: [] as string[],
    noFiles: new Map<string, string>(),
    ignored: listedByGit(folder, '--others', '--ignored', '--directory') ?? [],
  };
  const root = realpathSync(folder);
  for (const file of there.filter(isTaken)) {
    if (runs.some((run) => file.startsWith(run))) continue;
    const whole = path.join(folder, file);
    const found = statSync(whole, { throwIfNoEntry: false });
    if (found?.isFile() !== true) {
      const what = withoutFile(whole, found);
      if (what !== null) bundle.noFiles.set(file, what);
      continue;
    }
    const real = realpathSync(whole);
    if (holdsSecret(whole, [file, path.relative(root, real)])) bundle.secrets.push(file);
    else if (!real.startsWith(root + path.sep)) bundle.outside.push(file);
    else {
      bundle.files.push(file);
      bundle.sizes.set(file, found.size);
      bundle.bytes += found.size;
    }
  }
  return bundle;
}

/** What stands in a file's place; null for what is gone, which git still lists. */
function withoutFile(whole: string, found: Stats | undefined): string | null {
  const isLink = lstatSync(whole, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  if (found === undefined) return isLink ? 'a link that leads nowhere' : null;
  if (isLink) return found.isDirectory() ? 'a link to a folder' : 'a link to no file';
  return found.isDirectory() ? 'a git repository of its own' : 'no file';
}

/** Whether a file is, or lies below, one of those that are named. */
function wantedBelow(
  folder: string,
  only: readonly string[],
  there: readonly string[],
): (file: string) => boolean {
  if (only.length === 0) return () => true;
  const tests = only.map((one) => {
    const wanted = path.relative(folder, path.resolve(folder, one));
    const isIn = (file: string): boolean =>
      wanted === '' || file === wanted || file.startsWith(wanted + path.sep);
    if (there.some(isIn)) return isIn;
    throw new Error(
      `Cannot include "${one}" as it must be a file or folder of the project that git does not ignore`,
    );
  });
  return (file) => tests.some((isIn) => isIn(file));
}

/**
 * Copies a bundle's files, so that what runs later is what was there when it was submitted.
 *
 * @param files Paths below `from`.
 * @param to Is made where it is not there.
 *
 * @example
 * import { existsSync, writeFileSync } from 'node:fs';
 * writeFileSync('train.ts', 'console.log(1);\n');
 * copyBundle('.', ['train.ts'], 'job');
 * existsSync('job/train.ts'); // true
 */
export function copyBundle(from: string, files: readonly string[], to: string): void {
  for (const file of files) {
    const target = path.join(to, file);
    mkdirSync(path.dirname(target), { recursive: true });
    copyFileSync(path.join(from, file), target);
  }
}
