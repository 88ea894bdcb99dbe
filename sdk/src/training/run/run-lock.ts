import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, ownProcess, type ProcessIdentity } from '../../core/process-identity';
import { LIFE_TIMING, showLife, showsLife, type LifeTiming } from '../../core/sign-of-life';
import { writeProblem } from '../../io/write-problem';
import { RUN_FILES } from './run-files';

/** What lock.json holds. */
interface LockRecord extends ProcessIdentity {
  /** Tells this holder from every other one. */
  token: string;
  /** ISO 8601, for people: no rule goes by it. */
  since: string;
}

/**
 * Keeps a run's folder for one trainer: a file that names who holds it. A holder that is gone is recognised: on the same machine by its
 * process, on another one by a file that shows no sign of life.
 */
export class RunLock {
  readonly #path: string;
  readonly #token: string;
  readonly #beat: NodeJS.Timeout;

  private constructor(path: string, token: string, beatMs: number) {
    this.#path = path;
    this.#token = token;
    this.#beat = showLife(path, beatMs);
  }

  /**
   * Takes the lock of a folder, which is made when it is missing.
   *
   * @throws When another trainer holds it, by its process and machine; and when the folder cannot be written.
   */
  static async take(folder: string, timing: Partial<LifeTiming> = {}): Promise<RunLock> {
    const { beatMs, watchMs } = { ...LIFE_TIMING, ...timing };
    const path = join(folder, RUN_FILES.lock);
    const token = randomBytes(8).toString('hex');
    for (;;) {
      if (isTaken(path, token)) return new RunLock(path, token, beatMs);
      const holder = await readHolder(path);
      const isHeld = holder !== null && (isAlive(holder) ?? (await showsLife(path, watchMs)));
      if (isHeld) throw held(folder, holder);
      setAside(path, holder);
    }
  }

  /**
   * Makes sure that the lock is still this trainer's: one that slept for long may have lost it.
   *
   * @throws When another one has taken it, or had it meanwhile, or the folder was removed.
   */
  requireHeld(): void {
    const holder = parse(this.#path);
    if (holder?.token === this.#token) return;
    // A disk that cannot be read for a moment says nothing of who holds it.
    if (holder === null && existsSync(this.#path)) return;
    const what =
      holder === null
        ? `"${this.#path}" is gone, so another trainer may have trained there meanwhile`
        : `${nameOf(holder)} has taken it over`;
    throw new Error(`Cannot go on as the run's folder must be this trainer's: ${what}`);
  }

  /** Gives the folder free. */
  release(): void {
    clearInterval(this.#beat);
    if (parse(this.#path)?.token === this.#token) rmSync(this.#path, { force: true });
  }
}

/** Makes the file, unless it is there. */
function isTaken(path: string, token: string): boolean {
  makeFolder(dirname(path));
  try {
    const descriptor = openSync(path, 'wx');
    try {
      const record = { ...ownProcess(), token, since: new Date().toISOString() };
      writeSync(descriptor, `${JSON.stringify(record, null, 2)}\n`);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw writeProblem(`"${path}"`, error);
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!['EEXIST', 'ENOTDIR'].includes(code)) throw writeProblem(`"${folder}"`, error);
    throw new Error(`Cannot train in "${folder}" as it must be a folder: a file is in its place`, {
      cause: error,
    });
  }
}

function parse(path: string): LockRecord | null {
  try {
    const record = JSON.parse(readFileSync(path, 'utf8')) as LockRecord;
    return typeof record?.token === 'string' ? record : null;
  } catch {
    return null;
  }
}

/** Who holds the lock; null when the file is gone, or holds no record after a second, as when a crash cut it off. */
async function readHolder(path: string): Promise<LockRecord | null> {
  for (let tries = 0; tries < 10; tries++) {
    const record = parse(path);
    if (record !== null || !existsSync(path)) return record;
    await sleep(100);
  }
  return null;
}

/** Moves a lock away that nobody holds; when another trainer was quicker, its lock is put back. */
function setAside(path: string, holder: LockRecord | null): void {
  const aside = `${path}.${randomBytes(4).toString('hex')}.stale`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw writeProblem(`"${path}"`, error);
  }
  if (parse(aside)?.token === holder?.token) rmSync(aside);
  else renameSync(aside, path);
}

function nameOf({ pid, host, since }: LockRecord): string {
  return `process ${pid} on ${host} (since ${since})`;
}

function held(folder: string, holder: LockRecord): Error {
  return new Error(
    `Cannot train in "${folder}" as one trainer at a time must write there: ${nameOf(holder)} does; stop it, or choose another folder`,
  );
}
