import type { Job, JobTask } from './launcher';

/** A word of a shell's command line, whatever is in it. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/**
 * The line that runs a task in its bundle's folder: packages are those of this installation, the shell is replaced by the
 * program, so that a signal reaches it.
 *
 * @param packages Absolute folder `node_modules`.
 */
export function shellLine(
  { program }: Pick<Job, 'program'>,
  { parameters, directory }: JobTask,
  { resume, packages }: { resume: boolean; packages: string },
): string {
  const words = [...program, ...parameters, ...(resume ? ['--resume', 'auto'] : [])];
  return [
    `ln -sfn ${quoted(packages)} node_modules`,
    `mkdir -p ${quoted(directory)}`,
    `export FLOWBOOK_RUN_DIR=${quoted(directory)}`,
    `exec ${words.map(quoted).join(' ')}`,
  ].join(' && ');
}
