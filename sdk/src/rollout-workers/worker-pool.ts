import { throwIfAborted } from '../core/cell-signal';
import { observer } from '../core/observer';
import { onAbort } from '../core/on-abort';
import {
  ANYTHING,
  checkOptions,
  COUNT_OR_INFINITY,
  FUNCTION,
  number,
  orNull,
  section,
  type Rules,
} from '../core/option-rules';
import type { TrainableModel } from '../pipelines';
import type { RolledOutPart, RolloutPart } from '../training/rollout-part';
import type { RolloutWorkers, WorkersReport } from '../training/rollout-workers';
import { callInTime, checkLimit, type TimedWork } from './call-in-time';
import type { Frame } from './frame';
import { decodeResult, encodePart } from './part-message';
import { PublishedWeights, type Published } from './published-weights';
import { backendName, type WorkerGreeting } from './rollout-worker';
import { encodeWeights } from './weights-message';
import { MOST_LOST_AT_START, WorkerLost, type WorkerLink, type WorkerSource } from './worker-link';
import { withAbsolutePaths, WORKER_MODEL_RULES, type WorkerModel } from './worker-model';
import { WorkerStatistics } from './worker-statistics';

/** What happens in a pool. */
export interface PoolEvent {
  kind: 'joined' | 'left' | 'refused' | 'requeued' | 'late' | 'duplicate';
  worker: string;
  /** In words. */
  detail: string;
}

/** How a pool hands out work. */
export interface WorkerPoolOptions {
  /** A part that takes longer is handed out a second time when a worker is free. In seconds; default 300. */
  lateAfterSeconds?: number;
  /** Workers that may be lost on one part, before it counts as what they are lost by. Default 8. */
  mostAttempts?: number;
  /**
   * Time for a part, with the weights that it needs, and for loading the model. A worker that takes longer is ended, whatever it
   * does, and another one takes its place; a part that three were late on has failed. In seconds; default 3600.
   */
  timeoutSeconds?: number;
  /** Sees what happens. What it throws is said on stderr, once. Default: nobody does. */
  onEvent?: ((event: PoolEvent) => void) | null;
}

const RULES: Rules<WorkerPoolOptions> = {
  lateAfterSeconds: number({ least: 0, most: Infinity }),
  mostAttempts: COUNT_OR_INFINITY,
  timeoutSeconds: ANYTHING,
  onEvent: orNull(FUNCTION),
};

const ACTION = 'roll out over workers';

/** A part that waits or is under way. */
interface Job extends TimedWork {
  id: number;
  part: RolloutPart;
  published: Published<string>;
  /** Times that it was handed out. */
  attempts: number;
  /** Workers that are at it. */
  workers: number;
  /** Workers that were lost on it. */
  lost: number;
  /** When it was handed out last; null while it waits. */
  since: number | null;
  /** Nobody waits for it any more. */
  isDone: boolean;
  isAnswered: boolean;
  done(result: RolledOutPart): void;
  fail(error: unknown): void;
}

const now = () => performance.now() / 1000;

/**
 * Rolls out over workers that come and go. A worker has one part at a time and gets the next one with its answer, so that
 * nothing piles up anywhere; a part whose worker is lost goes to whichever is free next; a second answer to a part is dropped.
 *
 * A part's pictures do not depend on who makes them: a run over workers has the same bits as one in this process, with the
 * same micro-batches and threads.
 *
 * @example
 * const pool = new WorkerPool(new LocalWorkers({ count: 1 }), { path: 'datasets/tiny-qwen-image', config: { height: 64, width: 64 } });
 * await pool.close();
 */
export class WorkerPool implements RolloutWorkers {
  readonly #source: WorkerSource;
  readonly #model: WorkerModel;
  readonly #options: Required<Omit<WorkerPoolOptions, 'onEvent'>>;
  readonly #observe: (event: PoolEvent) => void;
  /** By their ids. */
  readonly #published = new PublishedWeights<string>((id) => this.#source.drop(id));
  /** Workers that have loaded the model. */
  readonly #present = new Set<WorkerLink>();
  readonly #free: WorkerLink[] = [];
  readonly #waiting: Job[] = [];
  readonly #underWay = new Set<Job>();
  readonly #statistics = new WorkerStatistics();
  #opening: Promise<void> | null = null;
  #revision = 0;
  #jobs = 0;
  #timer: NodeJS.Timeout | null = null;
  /** Workers in a row that were lost before they had loaded the model. */
  #lostAtStart = 0;
  #refusal: Error | null = null;
  readonly #end = new AbortController();

  /**
   * @param model What workers load; the trainer's own model, before any training.
   * @throws When there is no such option or one breaks its rule.
   */
  constructor(source: WorkerSource, model: WorkerModel, options: WorkerPoolOptions = {}) {
    checkOptions(ACTION, options, RULES);
    checkOptions(ACTION, { model }, { model: section(WORKER_MODEL_RULES) });
    const { lateAfterSeconds = 300, mostAttempts = 8, timeoutSeconds = 3600 } = options;
    checkLimit(ACTION, 'timeoutSeconds', timeoutSeconds, 1000);
    this.#source = source;
    this.#model = withAbsolutePaths(model);
    this.#options = { lateAfterSeconds, mostAttempts, timeoutSeconds };
    this.#observe = observer(options.onEvent, 'onEvent of a pool of workers', 'the rollout');
  }

  /** Begins to start workers, which the first rollout does otherwise. */
  open(): Promise<void> {
    this.#opening ??= this.#source.open({
      joined: (link) => void this.#greet(link),
      left: (link, reason) => this.#forget(link, reason),
      ended: (reason) => this.#fail(`there must be workers: ${reason}`),
    });
    return this.#opening;
  }

  /**
   * Has workers keep a version of the weights, which parts are then made with.
   *
   * @throws When there can be no workers, or none any more; when the weights cannot be sent.
   */
  async publish(version: number, model: TrainableModel): Promise<void> {
    const frames = encodeWeights(model);
    await this.open();
    if (this.#refusal !== null) throw this.#refusal;
    this.#revision += 1;
    const id = `${version}.${this.#revision}`;
    await this.#source.keep(id, frames);
    this.#published.replace(version, id);
  }

  /**
   * Makes a part on a worker; waits while all are busy. A part whose worker is lost or late is handed out again.
   *
   * @param version The one that was published last.
   * @throws The signal's reason once it is aborted; when the version is another, workers refuse the model, or one says of the
   *   part that it cannot be made.
   */
  async rollOut(
    part: RolloutPart,
    version: number,
    signal: AbortSignal | null | undefined,
  ): Promise<RolledOutPart> {
    throwIfAborted(signal ?? null);
    const published = this.#published.find(version);
    if (this.#refusal !== null) throw this.#refusal;
    published.users += 1;
    const id = this.#jobs++;
    const job: Job = {
      ...this.#timed(`roll out part ${id}`),
      id,
      part,
      published,
      attempts: 0,
      workers: 0,
      lost: 0,
      since: null,
      isDone: false,
      isAnswered: false,
      done: () => {},
      fail: () => {},
    };
    const stopWaiting = onAbort(signal, () => job.fail(signal?.reason));
    try {
      return await new Promise<RolledOutPart>((resolve, reject) => {
        job.done = resolve;
        job.fail = reject;
        this.#waiting.push(job);
        this.#handOut();
      });
    } finally {
      stopWaiting();
      this.#retire(job);
    }
  }

  takeReport(): WorkersReport {
    return this.#statistics.take();
  }

  /** Workers that are ready, at work or free. */
  get size(): number {
    return this.#present.size;
  }

  /** Ends all workers. What was asked for and is not there fails. */
  async close(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    const error = new Error('Cannot go on with a rollout as its workers were closed');
    this.#end.abort(error);
    for (const job of [...this.#waiting, ...this.#underWay]) job.fail(error);
    if (this.#opening !== null) await this.#source.close();
  }

  /** Has a worker load the model, and takes it when it computes as this process does. */
  async #greet(link: WorkerLink): Promise<void> {
    try {
      const header = { op: 'hello', model: this.#model };
      const frame = { header, payload: new Uint8Array(0) };
      const answer = await callInTime(link, frame, null, this.#timed('load the model'));
      const { error, backend } = answer.header as unknown as WorkerGreeting & { error?: string };
      if (error !== undefined) throw new Error(error);
      if (backend !== backendName()) {
        throw new Error(
          `Cannot take a worker as it must compute with ${backendName()}: it has ${backend}`,
        );
      }
    } catch (error) {
      if (!this.#end.signal.aborted) this.#refuse(link, error as Error);
      return;
    }
    this.#lostAtStart = 0;
    this.#present.add(link);
    this.#statistics.join(link.name);
    this.#tell('joined', link, '');
    this.#free.push(link);
    this.#handOut();
  }

  /** A worker that cannot load the model stays idle. Where no worker can, whoever waits is told. */
  #refuse(link: WorkerLink, error: Error): void {
    this.#tell('refused', link, error.message);
    if (error instanceof WorkerLost) {
      this.#lostAtStart += 1;
      if (this.#lostAtStart < MOST_LOST_AT_START) return;
    }
    if (this.#present.size > 0) return;
    this.#fail(`a worker must be able to load the model: ${error.message}`, error);
    void this.#source.close();
  }

  /** Fails what waits and what is asked for from now on: for good. @param rule That is broken, in words. */
  #fail(rule: string, cause?: Error): void {
    this.#refusal ??= new Error(`Cannot roll out as ${rule}`, { cause });
    for (const job of [...this.#waiting, ...this.#underWay]) job.fail(this.#refusal);
  }

  /** Work that a worker has its time for. */
  #timed(task: string): TimedWork {
    const { timeoutSeconds } = this.#options;
    const tooLate = (link: WorkerLink) =>
      this.#forget(link, `it took longer than ${timeoutSeconds} s`);
    return { task, limitMs: timeoutSeconds * 1000, signal: this.#end.signal, late: 0, tooLate };
  }

  #forget(link: WorkerLink, reason: string): void {
    const at = this.#free.indexOf(link);
    if (at >= 0) this.#free.splice(at, 1);
    if (!this.#present.delete(link)) return;
    this.#statistics.leave(link.name);
    this.#tell('left', link, reason);
  }

  /** Gives each free worker a part: one that waits, or one that is late. */
  #handOut(): void {
    while (this.#free.length > 0) {
      const job = this.#waiting.shift() ?? this.#lateJob();
      if (job === null) break;
      const link = this.#free.shift() as WorkerLink;
      void this.#give(job, link);
    }
    this.#watch();
  }

  #lateJob(): Job | null {
    const { lateAfterSeconds } = this.#options;
    for (const job of this.#underWay) {
      if (job.since !== null && !job.isDone && now() - job.since > lateAfterSeconds) return job;
    }
    return null;
  }

  /** Looks again when the next part would be late. */
  #watch(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#free.length === 0 || this.#underWay.size === 0 || this.#end.signal.aborted) return;
    this.#timer = setTimeout(() => this.#handOut(), this.#options.lateAfterSeconds * 1000 + 10);
    this.#timer.unref();
  }

  async #give(job: Job, link: WorkerLink): Promise<void> {
    if (job.since !== null) {
      this.#statistics.requeued += 1;
      this.#tell('late', link, `part ${job.id} takes long: it is handed out again`);
    }
    job.attempts += 1;
    job.workers += 1;
    job.since = now();
    this.#underWay.add(job);
    try {
      const { header, payload } = encodePart(job.part);
      const { id, attempts, published } = job;
      const frame = { header: { ...header, op: 'part', id, attempt: attempts }, payload };
      const answer = await callInTime(link, frame, published.weights, job);
      if (this.#present.has(link)) this.#free.push(link);
      this.#accept(job, link, answer, frame.payload.length);
    } catch (error) {
      if (error instanceof WorkerLost) this.#giveBack(job, link, error);
      else job.fail(error);
    } finally {
      job.workers -= 1;
      this.#handOut();
    }
  }

  #accept(job: Job, link: WorkerLink, answer: Frame, bytesIn: number): void {
    const { error, weights, id, busySeconds } = answer.header;
    if (job.isDone) {
      if (!job.isAnswered) return;
      this.#statistics.duplicates += 1;
      this.#tell('duplicate', link, `part ${job.id} is there already`);
      return;
    }
    if (error !== undefined) throw new Error(error as string);
    if (id !== job.id || weights !== job.published.weights) {
      throw new Error(
        `Cannot take part ${job.id} as its answer must be made with weights ${job.published.weights}: it is of part ${id as number} with ${weights as string}`,
      );
    }
    const bytesOut = answer.payload.length;
    const measured = { busySeconds: busySeconds as number, bytesIn, bytesOut };
    this.#statistics.count(link.name, measured);
    const result = decodeResult(answer, job.part);
    job.isAnswered = true;
    job.isDone = true;
    job.done(result);
  }

  #giveBack(job: Job, link: WorkerLink, error: WorkerLost): void {
    if (job.isDone) return;
    job.lost += 1;
    if (job.lost >= this.#options.mostAttempts) {
      return job.fail(
        new Error(
          `Cannot roll out part ${job.id} as a worker must survive it: ${job.lost} were lost on it, the last one as ${error.message}`,
        ),
      );
    }
    // It was late, and another worker is at it.
    if (job.workers > 1) return;
    job.since = null;
    this.#underWay.delete(job);
    this.#waiting.unshift(job);
    this.#statistics.requeued += 1;
    this.#tell('requeued', link, `part ${job.id}: ${error.message}`);
  }

  #retire(job: Job): void {
    job.isDone = true;
    this.#underWay.delete(job);
    const at = this.#waiting.indexOf(job);
    if (at >= 0) this.#waiting.splice(at, 1);
    this.#published.release(job.published);
  }

  #tell(kind: PoolEvent['kind'], { name: worker }: WorkerLink, detail: string): void {
    this.#observe({ kind, worker, detail });
  }
}
