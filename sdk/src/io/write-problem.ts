/** What must hold for a write to succeed, by the operating system's code. */
const RULES: Readonly<Record<string, string>> = {
  ENOENT: 'its folder must be there',
  ENOSPC: 'the disk must have room',
  EDQUOT: 'the quota must have room',
  EROFS: 'its folder must not be on a read-only disk',
  EACCES: 'its folder must be writable',
  EPERM: 'its folder must be writable',
  EMFILE: 'the process must not have too many files open',
};

/**
 * An error that says in words why something could not be written.
 *
 * @param what For example `checkpoint "runs/a/checkpoints/last"`.
 * @param error What the operating system threw.
 * @example
 * const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
 * writeProblem('"log.jsonl"', full).message; // 'Cannot write "log.jsonl" as the disk must have room: ENOSPC: no space left on device, write'
 */
export function writeProblem(what: string, error: unknown): Error {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const rule = RULES[code];
  const why = rule === undefined ? '' : ` as ${rule}`;
  return Object.assign(new Error(`Cannot write ${what}${why}: ${message}`, { cause: error }), {
    code,
  });
}
