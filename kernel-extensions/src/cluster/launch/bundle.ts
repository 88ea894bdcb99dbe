import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import * as path from 'node:path';

/** Names of files that hold secrets. */
const SECRETS: readonly RegExp[] = [
  /^\.env(\..*)?$/,
  /^\.(npmrc|netrc|pypirc|git-credentials|htpasswd)$/,
  /^id_(rsa|dsa|ecdsa|ed25519)(\.pub)?$/,
  /\.(pem|key|p12|pfx|keystore|jks|kdbx)$/i,
  /(^|[-_.])(tokens?|secrets?|credentials?|passwords?)(\.(txt|json|ya?ml|ini))?$/i,
];

/** What a bundle sends and what it leaves out. */
export interface BundleFiles {
  /** Paths below the folder, sorted. */
  files: string[];
  /** Left out as they look like secrets. */
  secrets: string[];
  bytes: number;
}

/** Whether a file's name says that it holds a secret. */
export function looksSecret(file: string): boolean {
  return SECRETS.some((pattern) => pattern.test(path.basename(file)));
}

/** All files of a folder, those that git ignores left out; without git, those of hidden folders and node_modules. */
function filesIn(folder: string): string[] {
  try {
    const options = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
    const listed = execFileSync('git', options, {
      cwd: folder,
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return listed.split('\0').filter((file) => file !== '');
  } catch {
    return walk(folder, '');
  }
}

function walk(folder: string, below: string): string[] {
  return readdirSync(path.join(folder, below), { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(below, entry.name);
    if (entry.isFile()) return [file];
    const isLeft = entry.name === 'node_modules' || entry.name.startsWith('.');
    return entry.isDirectory() && !isLeft ? walk(folder, file) : [];
  });
}

/**
 * The files that a project's job takes along.
 *
 * @param only Folders and files below the project to take, all by default.
 */
export function bundleFiles(folder: string, only: readonly string[] = []): BundleFiles {
  const wanted = only.map((one) => path.relative(folder, path.resolve(folder, one)));
  const isWanted = (file: string) =>
    wanted.length === 0 ||
    wanted.some((one) => file === one || file.startsWith(`${one}${path.sep}`));
  const there = filesIn(folder).filter((file) => {
    const found = statSync(path.join(folder, file), { throwIfNoEntry: false });
    return found?.isFile() === true && isWanted(file);
  });
  const files = [...new Set(there)].filter((file) => !looksSecret(file)).sort();
  const bytes = files.reduce((sum, file) => sum + statSync(path.join(folder, file)).size, 0);
  return { files, secrets: there.filter(looksSecret).sort(), bytes };
}

/** Copies a bundle's files, so that what runs later is what was there when it was submitted. */
export function copyBundle(from: string, files: readonly string[], to: string): void {
  for (const file of files) {
    const target = path.join(to, file);
    mkdirSync(path.dirname(target), { recursive: true });
    copyFileSync(path.join(from, file), target);
  }
}
