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
  statSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, ownProcess, type ProcessIdentity } from '../../core/process-identity';
import { writeProblem } from '../../io/write-problem';
import { RUN_FILES } from './run-files';

/** What lock.json holds. */
interface LockRecord extends ProcessIdentity {
  /** Tells this holder from every other one. */
  token: string;
  /** ISO 8601, for people: no rule goes by it. */
  since: string;
}

/** How the holder shows that it is there, and for how long others look. */
export interface LockTiming {
  /** Time between two signs of life in milliseconds. */
  beatMs: number;
  /** How long a holder on another machine is watched for a sign, by the watcher's own clock. */
  watchMs: number;
}

const TIMING: LockTiming = { beatMs: 2_000, watchMs: 15_000 };

/**
 * Keeps a run's folder for one trainer: a file that names who holds it. A holder that is gone is recognised: on the same machine by its
 * process, on another one by a file whose time has not changed while it was watched. No clocks are compared.
 */
export class RunLock {
  readonly #path: string;
  readonly #token: string;
  readonly #beat: NodeJS.Timeout;

  private constructor(path: string, token: string, beatMs: number) {
    this.#path = path;
    this.#token = token;
    this.#beat = setInterval(() => this.#showLife(), beatMs).unref();
  }

  /**
   * Takes the lock of a folder, which is made when it is missing.
   *
   * @throws When another trainer holds it, by its process and machine; and when the folder cannot be written.
   */
  static async take(folder: string, timing: Partial<LockTiming> = {}): Promise<RunLock> {
    const { beatMs, watchMs } = { ...TIMING, ...timing };
    const path = join(folder, RUN_FILES.lock);
    const token = randomBytes(8).toString('hex');
    for (;;) {
      if (isTaken(path, token)) return new RunLock(path, token, beatMs);
      const holder = await readHolder(path);
      if (holder !== null && (await isHeld(path, holder, watchMs))) throw held(folder, holder);
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

  #showLife(): void {
    const now = new Date();
    try {
      utimesSync(this.#path, now, now);
    } catch {
      // The folder was removed; what is written next says so.
    }
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

async function isHeld(path: string, holder: LockRecord, watchMs: number): Promise<boolean> {
  const alive = isAlive(holder);
  if (alive !== null) return alive;
  const signOf = () => statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  const before = signOf();
  for (let waited = 0; waited < watchMs; waited += watchMs / 20) {
    await sleep(watchMs / 20);
    if (signOf() !== before) return true;
  }
  return false;
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
