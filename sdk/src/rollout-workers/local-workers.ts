import { spawn, type ChildProcess } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { checkOptions, listOf, SWITCH, TEXT, wholeNumber, type Rules } from '../core/option-rules';
import { readFrames, writeFrame, type Frame } from './frame';
import { WorkerLost, type WorkerEvents, type WorkerLink, type WorkerSource } from './worker-link';

/**
 * The program of a worker, as it is built.
 *
 * @throws When the sdk cannot be found, as in a bundle of it.
 *
 * @example
 * workerProgram().endsWith('worker-main.js'); // true
 */
export function workerProgram(): string {
  const description = createRequire(__filename).resolve('@flowbook/sdk/package.json');
  return join(dirname(description), 'dist', 'rollout-workers', 'worker-main.js');
}

/**
 * The environment that gives a worker's TensorFlow its number of threads.
 *
 * @example
 * threadEnvironment(4).TF_NUM_INTRAOP_THREADS; // '4'
 */
export function threadEnvironment(threads: number): Record<string, string> {
  const count = String(threads);
  return {
    TF_NUM_INTRAOP_THREADS: count,
    TF_NUM_INTEROP_THREADS: '1',
    OMP_NUM_THREADS: count,
  };
}

/** How workers on this machine are started. */
export interface LocalWorkersOptions {
  /** How many there are. Default 1. */
  count?: number;
  /** Threads of each. Default 1. */
  threads?: number;
  /**
   * Start another one in a lost one's place: at once, or up to a second later where they end before any answer. Without it, whoever
   * waits goes on waiting until `add` starts one. Default true.
   */
  replaceLost?: boolean;
  /** Program and arguments. Default: Node with the worker of this package. */
  command?: readonly [string, ...string[]];
}

const RULES: Rules<LocalWorkersOptions> = {
  count: wholeNumber(0),
  threads: wholeNumber(1),
  replaceLost: SWITCH,
  command: listOf(TEXT, { words: 'a list of a program and its arguments' }),
};

/** Pause before another worker takes the place of one that never answered, in milliseconds; doubled with each in a row. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1000;

/** A worker that is a child of this process and speaks over its standard input and output. */
class ChildLink implements WorkerLink {
  readonly #answers: AsyncGenerator<Frame>;
  #weights: string | null = null;
  hasAnswered = false;

  constructor(
    readonly name: string,
    readonly child: ChildProcess,
    private readonly framesOf: (id: string) => readonly Frame[],
  ) {
    this.#answers = readFrames(child.stdout as NonNullable<ChildProcess['stdout']>);
    child.stdin?.on('error', () => {});
  }

  async call(frame: Frame, weights: string | null): Promise<Frame> {
    if (weights !== null && weights !== this.#weights) {
      this.#weights = null;
      for (const { header, payload } of this.framesOf(weights)) {
        const answer = await this.#exchange({
          header: { ...header, op: 'weights', weights },
          payload,
        });
        if (answer.header.error !== undefined) return answer;
      }
      this.#weights = weights;
    }
    return this.#exchange(frame);
  }

  async #exchange(frame: Frame): Promise<Frame> {
    let answer: IteratorResult<Frame>;
    try {
      await writeFrame(this.child.stdin as NonNullable<ChildProcess['stdin']>, frame);
      answer = await this.#answers.next();
    } catch (error) {
      this.close();
      throw new WorkerLost((error as Error).message);
    }
    if (answer.done) throw new WorkerLost(`worker ${this.name} is gone`);
    this.hasAnswered = true;
    return answer.value;
  }

  close(): void {
    this.child.kill('SIGKILL');
  }
}

/** @throws When a program could not be started: nor could another in its place. */
function requireRunning(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', ({ message }) =>
      reject(new Error(`Cannot start workers as their program must run: ${message}`)),
    );
  });
}

/**
 * Workers that are processes on this machine.
 *
 * @example
 * const workers = new LocalWorkers({ count: 2, threads: 1 });
 */
export class LocalWorkers implements WorkerSource {
  readonly #links = new Map<string, ChildLink>();
  readonly #weights = new Map<string, readonly Frame[]>();
  readonly #pauses = new Set<NodeJS.Timeout>();
  #events: WorkerEvents | null = null;
  /** Workers in a row that ended without an answer. */
  #lostAtStart = 0;
  /** Why no other worker could be started; null while nothing says so. */
  #problem: string | null = null;
  #isClosed = false;

  /** @throws When there is no such option or one breaks its rule. */
  constructor(private readonly options: LocalWorkersOptions = {}) {
    checkOptions('start workers', options, RULES);
  }

  /** Workers that are there. */
  get links(): readonly { name: string; processId: number | undefined }[] {
    return [...this.#links.values()].map(({ name, child }) => ({ name, processId: child.pid }));
  }

  async open(events: WorkerEvents): Promise<void> {
    this.#events = events;
    for (let at = 0; at < (this.options.count ?? 1); at += 1) this.add();
    const [first] = this.#links.values();
    if (first !== undefined) await requireRunning(first.child);
  }

  /** Starts one more worker. */
  add(): void {
    const { threads = 1, replaceLost = true } = this.options;
    const [program, ...parameters] = this.options.command ?? [process.execPath, workerProgram()];
    let index = 1;
    while (this.#links.has(`local-${index}`)) index += 1;
    const name = `local-${index}`;
    const child = spawn(program, parameters, {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, ...threadEnvironment(threads) },
    });
    const link = new ChildLink(name, child, (id) => this.#weights.get(id) ?? []);
    this.#links.set(name, link);
    let isGone = false;
    const gone = (reason: string) => {
      if (isGone) return;
      isGone = true;
      this.#links.delete(name);
      this.#events?.left(link, reason);
      this.#lostAtStart = link.hasAnswered ? 0 : this.#lostAtStart + 1;
      if (this.#isClosed) return;
      if (this.#problem === null) {
        if (replaceLost) this.#replace();
      } else if (this.#links.size === 0) this.#events?.ended(this.#problem);
    };
    child.on('error', ({ message }) => {
      this.#problem = `their program must run: ${message}`;
      gone(message);
    });
    child.on('close', (code, signal) => gone(`it ended with ${signal ?? `code ${code}`}`));
    this.#events?.joined(link);
  }

  /** Starts a worker in a lost one's place: at once, or after a pause where programs end without an answer. */
  #replace(): void {
    if (this.#lostAtStart === 0) return this.add();
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** (this.#lostAtStart - 1), LONGEST_PAUSE_MS);
    const timer = setTimeout(() => {
      this.#pauses.delete(timer);
      this.add();
    }, pause);
    this.#pauses.add(timer);
  }

  async keep(id: string, frames: readonly Frame[]): Promise<void> {
    this.#weights.set(id, frames);
  }

  drop(id: string): void {
    this.#weights.delete(id);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#pauses.forEach(clearTimeout);
    const ends = [...this.#links.values()].map(
      ({ child }) => new Promise((resolve) => child.once('close', resolve)),
    );
    for (const link of this.#links.values()) link.close();
    await Promise.all(ends);
  }
}
