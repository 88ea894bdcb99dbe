import { fork, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a reader says, one thing at a time. */
interface Said {
  ready?: boolean;
  at?: number;
  wrong?: string;
  done?: number;
}

/** Longest time that one input may take, in milliseconds, beside other work. */
const LONGEST_MS = 20_000;
/** Largest process, in bytes: what TensorFlow takes, and 1 GB. */
const LARGEST = 1.8e9;
const WATCH_MS = 100;

/** A child process that reads inputs under limits of time and memory, used again until it dies. */
export class ReaderProcess {
  #child: ChildProcess | null = null;

  /** Reads a range of mutated inputs. @returns What is wrong with each that was not read as it should be. */
  async read(name: string, seed: number, from: number, to: number): Promise<string[]> {
    const problems: string[] = [];
    for (let next = from; next < to;) {
      const died = await this.#try({ name, seed, from: next, to }, problems);
      if (died === null) break;
      problems.push(`${name} ${died.at}: ${died.why}`);
      next = died.at + 1;
    }
    return problems;
  }

  async #try(
    range: { name: string; seed: number; from: number; to: number },
    problems: string[],
  ): Promise<{ at: number; why: string } | null> {
    const child = (this.#child ??= await start());
    let at = range.from;
    let since = performance.now();
    return new Promise((resolve) => {
      const end = (result: { at: number; why: string } | null) => {
        clearInterval(watch);
        child.removeAllListeners('message').removeAllListeners('exit');
        if (result !== null) {
          child.kill('SIGKILL');
          this.#child = null;
        }
        resolve(result);
      };
      const watch = setInterval(() => {
        if (performance.now() - since > LONGEST_MS) end({ at, why: `takes over ${LONGEST_MS} ms` });
        else if (residentBytes(child) > LARGEST) end({ at, why: 'takes over 1.8 GB' });
      }, WATCH_MS);
      child.on('message', ({ at: begun, wrong, done }: Said) => {
        if (done !== undefined) return end(null);
        if (wrong !== undefined) problems.push(`${range.name} ${begun}: ${wrong}`);
        else at = begun as number;
        since = performance.now();
      });
      child.once('exit', (code, signal) =>
        end({ at, why: `ends the process (${signal ?? code})` }),
      );
      child.send(range);
    });
  }

  close(): void {
    this.#child?.disconnect();
    this.#child = null;
  }
}

function start(): Promise<ChildProcess> {
  const child = fork(join(__dirname, 'child.ts'), {
    cwd: join(__dirname, '../../..'),
    execArgv: ['--require', 'tsx/cjs', '--max-old-space-size=1024'],
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3' },
  });
  return new Promise((resolve, reject) => {
    child.once('message', () => resolve(child));
    child.once('exit', (code) => reject(new Error(`The reader ended with ${code}`)));
  }).then((started) => {
    child.removeAllListeners('exit');
    return started as ChildProcess;
  });
}

/** 0 where the system does not tell. */
function residentBytes({ pid }: ChildProcess): number {
  try {
    const [, kilobytes] =
      /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return 1024 * Number(kilobytes ?? 0);
  } catch {
    return 0;
  }
}
