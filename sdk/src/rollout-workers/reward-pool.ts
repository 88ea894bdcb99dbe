import { RandomKey } from '../core/random-key';
import { RequestQueue } from '../io/request-queue';
import type { PixelImage } from '../core/pixel-image';
import { cutRatings, joinRatings } from '../rewards/rating-parts';
import type { PromptRecord, RewardFunction } from '../rewards';
import type { WorkersReport } from '../training/rollout-workers';
import { encodeQuestion, readAnswer } from './reward-message';
import { WorkerLost, type WorkerLink, type WorkerSource } from './worker-link';
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
}

const isLost = (error: unknown): error is Error => error instanceof WorkerLost;

/**
 * A reward over workers that come and go, for rewards that take long: processes on this machine, or actors on a Ray cluster. A
 * worker has one part at a time; a part whose worker is lost goes to another. Parts that a reward failed on fail alone.
 *
 * Each step's log line has of each worker `reward_workers/<name>/parts`, `busySeconds`, `bytesIn` and `bytesOut`.
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
  readonly #queue: RequestQueue<WorkerLink>;
  readonly #statistics = new WorkerStatistics();
  #opening: Promise<void> | null = null;

  /** @throws When an option breaks its rule. */
  constructor(source: WorkerSource, options: RewardPoolOptions) {
    const { reward, picturesPerPart = 8, mostAttempts = 8 } = options;
    for (const [name, value] of Object.entries({ picturesPerPart, mostAttempts })) {
      if (Number.isSafeInteger(value) && value >= 1) continue;
      throw new Error(
        `Cannot rate over workers as ${name} must be a whole number from 1: current value is ${value}`,
      );
    }
    const modules = (options.modules ?? []).map(absoluteWhereThere);
    this.#source = source;
    this.#queue = new RequestQueue<WorkerLink>([], async () => {}, {
      requestsInFlight: 1,
      retries: mostAttempts - 1,
      // A lost worker leaves a moment after its last answer did not come.
      backoffMs: 50,
      key: RandomKey.fromSeed(0),
      closed: 'Cannot go on with ratings as their workers were closed',
      isPassing: isLost,
    });
    const rate: RewardFunction = async (images, prompts, { signal }) => {
      await this.open();
      const pictures = images.map((image, at) => ({ image, prompt: prompts[at] }));
      const parts = cutRatings(pictures, picturesPerPart);
      const results = await Promise.allSettled(
        parts.map((part) =>
          this.#queue.run('', (link) => this.#ask(link, part, { reward, modules }), signal),
        ),
      );
      signal?.throwIfAborted();
      return joinRatings(parts, results);
    };
    rate.takeMetrics = () => this.#metrics();
    this.reward = Object.defineProperty(rate, 'name', { value: reward });
  }

  /** Begins to start workers, which the first rating does otherwise. */
  open(): Promise<void> {
    this.#opening ??= this.#source.open({
      joined: (link) => {
        this.#statistics.join(link.name);
        this.#queue.add(link);
      },
      left: (link) => {
        this.#statistics.leave(link.name);
        this.#queue.remove(link);
      },
    });
    return this.#opening;
  }

  /** What was done since this was called last. */
  takeReport(): WorkersReport {
    this.#statistics.requeued = this.#queue.requeued;
    this.#queue.requeued = 0;
    return this.#statistics.take();
  }

  /** Ends all workers. What was asked for and is not there fails. */
  async close(): Promise<void> {
    this.#queue.close();
    if (this.#opening !== null) await this.#source.close();
  }

  async #ask(
    link: WorkerLink,
    pictures: readonly { image: PixelImage; prompt: PromptRecord }[],
    about: { reward: string; modules: readonly string[] },
  ): Promise<number[]> {
    const question = encodeQuestion({
      ...about,
      images: pictures.map(({ image }) => image),
      prompts: pictures.map(({ prompt }) => prompt),
    });
    const answer = await link.call(question, null);
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
    return Object.fromEntries(
      workers.flatMap(({ worker, ...numbers }) =>
        Object.entries(numbers).map(([name, value]) => [`reward_workers/${worker}/${name}`, value]),
      ),
    );
  }
}
