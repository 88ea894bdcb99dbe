import { ANYTHING, checkOptions, required, TEXT, type Rules } from '../core/option-rules';
import { RandomKey } from '../core/random-key';
import { RequestQueue } from '../io/request-queue';
import type { PixelImage } from '../core/pixel-image';
import { cutRatings, joinRatings } from '../rewards/rating-parts';
import type { PromptRecord, RewardFunction } from '../rewards';
import { REWARD_TIMEOUT_MS } from '../rewards/score-rewards';
import type { WorkersReport } from '../training/rollout-workers';
import { callInTime, checkLimit, type TimedWork } from './call-in-time';
import { encodeQuestion, readAnswer } from './reward-message';
import { MOST_LOST_AT_START, WorkerLost, type WorkerLink, type WorkerSource } from './worker-link';
import { absoluteWhereThere } from './worker-model';
import { WorkerStatistics } from './worker-statistics';

/** What workers rate by, and how pictures are handed out. Only `reward` is required. */
export interface RewardPoolOptions {
  /** A registered reward's name. */
  reward: string;
  /** Modules that workers import before, which register own rewards: paths or packages. Default: none. */
  modules?: readonly string[];
  /** Pictures that a worker has at a time. Default 8. */
  picturesPerPart?: number;
  /** Workers that may be lost on one part, before it counts as what they are lost by. Default 8. */
  mostAttempts?: number;
  /**
   * Time for a part, in milliseconds. A worker that takes longer is ended, whatever it does, and another one takes its place; a
   * part that three were late on has failed. Default 600000.
   */
  timeoutMs?: number;
  /**
   * A worker that holds more memory than this after a part, in resident bytes, is ended, and another one takes its place: for
   * rewards that leak. Default: as much as it takes.
   */
  mostMemoryBytes?: number | null;
}

const RULES: Rules<RewardPoolOptions> = {
  reward: required(TEXT),
  modules: ANYTHING,
  picturesPerPart: ANYTHING,
  mostAttempts: ANYTHING,
  timeoutMs: ANYTHING,
  mostMemoryBytes: ANYTHING,
};

/** A part that is asked about. */
interface Part extends TimedWork {
  pictures: readonly { image: PixelImage; prompt: PromptRecord }[];
}

const isLost = (error: unknown): error is Error => error instanceof WorkerLost;

/**
 * A reward over workers that come and go, for rewards that take long: processes on this machine, or actors on a Ray cluster. A
 * worker has one part at a time; a part whose worker is lost goes to another, and waits while there is none. Parts that a reward
 * failed on fail alone. A worker that never ends a part, or holds too much memory, is replaced: what trains goes on.
 *
 * Each step's log line has of each worker `reward_workers/<name>/parts`, `busySeconds`, `bytesIn`, `bytesOut` and `residentBytes`, and
 * of all together `reward_workers/ended_late` and `ended_large`.
 *
 * @example
 * const pool = new RewardPool(new LocalWorkers({ count: 1 }), { reward: 'aesthetic' });
 * const cached = cachedReward(pool.reward, { name: 'aesthetic' });
 * await pool.close();
 */
export class RewardPool {
  /** As trainers take a reward. */
  readonly reward: RewardFunction;
  readonly #source: WorkerSource;
  readonly #limits: { timeoutMs: number; mostMemoryBytes: number };
  readonly #queue: RequestQueue<WorkerLink>;
  readonly #statistics = new WorkerStatistics();
  /** What workers held after their last part, by name. */
  #residentBytes = new Map<string, number>();
  #ended = { late: 0, large: 0 };
  /** Workers that may be lost before any answers: those that one part may cost, and some that had nothing to do. */
  readonly #mostLostAtStart: number;
  #lostAtStart = 0;
  #hasAnswered = false;
  #opening: Promise<void> | null = null;

  /** @throws When there is no such option or one breaks its rule. */
  constructor(source: WorkerSource, options: RewardPoolOptions) {
    checkOptions('rate over workers', options, RULES);
    const { reward, picturesPerPart = 8, mostAttempts = 8 } = options;
    const { timeoutMs = REWARD_TIMEOUT_MS, mostMemoryBytes = null } = options;
    const counts = { picturesPerPart, mostAttempts, mostMemoryBytes: mostMemoryBytes ?? 1 };
    for (const [name, value] of Object.entries(counts)) {
      if (Number.isSafeInteger(value) && value >= 1) continue;
      throw new Error(
        `Cannot rate over workers as ${name} must be a whole number from 1: current value is ${value}`,
      );
    }
    checkLimit('rate over workers', 'timeoutMs', timeoutMs, 1);
    this.#limits = { timeoutMs, mostMemoryBytes: mostMemoryBytes ?? Infinity };
    const modules = (options.modules ?? []).map(absoluteWhereThere);
    this.#source = source;
    this.#mostLostAtStart = mostAttempts + MOST_LOST_AT_START;
    this.#queue = new RequestQueue<WorkerLink>([], async () => {}, {
      requestsInFlight: 1,
      retries: mostAttempts - 1,
      // A lost worker leaves a moment after its last answer did not come.
      backoffMs: 50,
      key: RandomKey.fromSeed(0),
      closed: 'Cannot go on with ratings as their workers were closed',
      isPassing: isLost,
      onRequeued: () => (this.#statistics.requeued += 1),
    });
    const rate: RewardFunction = async (images, prompts, { signal }) => {
      await this.open();
      const pictures = images.map((image, at) => ({ image, prompt: prompts[at] }));
      const parts = cutRatings(pictures, picturesPerPart);
      const results = await Promise.allSettled(
        parts.map((part) => {
          const asked = this.#partOf(part);
          return this.#queue.run('', (link) => this.#ask(link, asked, { reward, modules }), signal);
        }),
      );
      signal?.throwIfAborted();
      return joinRatings(parts, results);
    };
    rate.takeMetrics = () => this.#metrics();
    rate.limitsTime = true;
    this.reward = Object.defineProperty(rate, 'name', { value: reward });
  }

  /** Begins to start workers, which the first rating does otherwise. */
  open(): Promise<void> {
    this.#opening ??= this.#source.open({
      joined: (link) => {
        this.#statistics.join(link.name);
        this.#queue.add(link);
      },
      left: (link, reason) => {
        // One that was ended from here is none that was lost.
        if (this.#forget(link)) this.#settleLost(reason);
      },
      ended: (reason) => this.#fail(reason),
    });
    return this.#opening;
  }

  /** What was done since this was called last. */
  takeReport(): WorkersReport {
    return this.#statistics.take();
  }

  /** Ends all workers. What was asked for and is not there fails. */
  async close(): Promise<void> {
    this.#queue.close();
    if (this.#opening !== null) await this.#source.close();
  }

  /** @returns Whether it was there. */
  #forget(link: WorkerLink): boolean {
    if (!this.#queue.remove(link)) return false;
    this.#statistics.leave(link.name);
    this.#residentBytes.delete(link.name);
    return true;
  }

  /** Has what no worker ever answered fail, once many were lost. */
  #settleLost(reason: string): void {
    this.#lostAtStart += 1;
    if (this.#hasAnswered || this.#lostAtStart < this.#mostLostAtStart) return;
    this.#fail(`${this.#lostAtStart} were lost before any rated, the last one as ${reason}`);
    void this.#source.close();
  }

  /** Fails what waits and what is asked for from now on: for good. */
  #fail(reason: string): void {
    this.#queue.close(new Error(`Cannot rate over workers as they must be there: ${reason}`));
  }

  /** Ends a worker that holds too much, whose source starts another one in its place. */
  #endLarge(link: WorkerLink): void {
    this.#ended.large += 1;
    this.#forget(link);
    link.close();
  }

  #partOf(pictures: Part['pictures']): Part {
    return {
      pictures,
      task: `rate ${pictures.length} pictures, the first of "${pictures[0].prompt.prompt}",`,
      limitMs: this.#limits.timeoutMs,
      // A worker that is no longer waited for has its part all the same.
      signal: null,
      late: 0,
      tooLate: (link) => {
        this.#ended.late += 1;
        this.#forget(link);
      },
    };
  }

  async #ask(
    link: WorkerLink,
    part: Part,
    about: { reward: string; modules: readonly string[] },
  ): Promise<number[]> {
    const { pictures } = part;
    const question = encodeQuestion({
      ...about,
      images: pictures.map(({ image }) => image),
      prompts: pictures.map(({ prompt }) => prompt),
    });
    const answer = await callInTime(link, question, null, part);
    this.#hasAnswered = true;
    const { residentBytes = 0 } = answer.header as { residentBytes?: number };
    this.#residentBytes.set(link.name, residentBytes);
    if (residentBytes > this.#limits.mostMemoryBytes) this.#endLarge(link);
    const values = readAnswer(answer, pictures.length);
    this.#statistics.count(link.name, {
      busySeconds: answer.header.busySeconds as number,
      bytesIn: question.payload.length,
      bytesOut: answer.payload.length,
    });
    return values;
  }

  #metrics(): Record<string, number> {
    const { workers } = this.takeReport();
    const { late, large } = this.#ended;
    this.#ended = { late: 0, large: 0 };
    const each = workers.flatMap(({ worker, ...numbers }) =>
      Object.entries({ ...numbers, residentBytes: this.#residentBytes.get(worker) ?? 0 }).map(
        ([name, value]) => [`reward_workers/${worker}/${name}`, value] as const,
      ),
    );
    return {
      ...Object.fromEntries(each),
      'reward_workers/ended_late': late,
      'reward_workers/ended_large': large,
    };
  }
}
