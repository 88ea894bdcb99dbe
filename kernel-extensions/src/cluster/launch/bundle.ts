import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
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
  /**
   * Left out as they are no files of the project's own, by what they are: links to folders, to what git ignores, links that lead
   * nowhere, repositories within this one.
   */
  noFiles: ReadonlyMap<string, string>;
  /** Left out as runs wrote them, or as they are earlier bundles: folders with a `/` at their end. */
  runs: string[];
  /** Left out as git ignores them; folders as a whole, with a `/` at their end. */
  ignored: string[];
}

/**
 * What git lists of a folder; null where it is in no repository.
 *
 * @throws When it is in one and git does not list it: what git ignores would be sent.
 */
function listedByGit(folder: string, ...options: string[]): string[] | null {
  try {
    const listed = execFileSync('git', ['ls-files', '-z', '--exclude-standard', ...options], {
      cwd: folder,
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      stdio: 'pipe',
    });
    return [...new Set(listed.split('\0'))].filter((file) => file !== '').sort();
  } catch (error) {
    if (!isInRepository(path.resolve(folder))) return null;
    const { code, stderr, message } = error as Error & { code?: string; stderr?: string };
    const reason = code === 'ENOENT' ? 'git is not on the path' : stderr?.trim() || message;
    throw new Error(`Cannot bundle "${folder}" as git must tell what it ignores there: ${reason}`, {
      cause: error,
    });
  }
}

function isInRepository(folder: string): boolean {
  const above = path.dirname(folder);
  return existsSync(path.join(folder, '.git')) || (above !== folder && isInRepository(above));
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
 * The files that a project's job takes along: all that git does not ignore; outside of a repository, those of no hidden folder, of
 * no node_modules and not of `runs`. Secrets stay, links to folders, to such files and out of the project, submodules, and what
 * earlier runs wrote.
 *
 * @param only Folders and files below the project to take, with each package.json above them: it says whether Node takes them for
 *   ES modules. All by default. Of what runs wrote, only what is named here is taken.
 * @throws When one of them is not there, or the project is in a repository that git does not list.
 *
 * @example
 * import { writeFileSync } from 'node:fs';
 * writeFileSync('train.ts', 'console.log(1);\n');
 * bundleFiles('.', ['train.ts']).files; // ['train.ts']
 */
export function bundleFiles(folder: string, only: readonly string[] = []): BundleFiles {
  const there = listedByGit(folder, '--cached', '--others') ?? walk(folder, '').sort();
  const known = new Set(there);
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
  for (const file of wantedBelow(folder, only, there)) {
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
    else if (isLink(whole) && !known.has(path.relative(root, real)))
      bundle.noFiles.set(file, 'a link to a file that is left out');
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
  if (found === undefined) return isLink(whole) ? 'a link that leads nowhere' : null;
  if (isLink(whole)) return found.isDirectory() ? 'a link to a folder' : 'a link to no file';
  return found.isDirectory() ? 'a git repository of its own' : 'no file';
}

function isLink(whole: string): boolean {
  return lstatSync(whole, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

/** The files that are, or lie below, those that are named, and each package.json above them; all where none are named. */
function wantedBelow(
  folder: string,
  only: readonly string[],
  there: readonly string[],
): readonly string[] {
  if (only.length === 0) return there;
  const tests = only.map((one) => {
    const wanted = path.relative(folder, path.resolve(folder, one));
    const isIn = (file: string): boolean =>
      wanted === '' || file === wanted || file.startsWith(wanted + path.sep);
    if (there.some(isIn)) return isIn;
    throw new Error(
      `Cannot include "${one}" as it must be a file or folder of the project that git does not ignore`,
    );
  });
  const wanted = there.filter((file) => tests.some((isIn) => isIn(file)));
  const above = new Set(wanted.flatMap(foldersAbove));
  return there.filter(
    (file) =>
      tests.some((isIn) => isIn(file)) ||
      (path.basename(file) === 'package.json' && above.has(path.dirname(file))),
  );
}

/** The folders that a file of a project lies in, the project's own, `.`, at the end. */
function foldersAbove(file: string): string[] {
  const folder = path.dirname(file);
  return folder === file ? [] : [folder, ...foldersAbove(folder)];
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
