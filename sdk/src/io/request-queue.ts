import { onAbort } from '../core/on-abort';
import type { RandomKey } from '../core/random-key';
import { HttpError } from './http/http-error';
import { backoffAfter } from './http/backoff';

/** How requests are given to servers. */
export interface RequestQueueOptions {
  /** Requests that a server has at a time. */
  requestsInFlight: number;
  /** Tries of a request after the first one. */
  retries: number;
  /** Longest rest of a server after a failure, in milliseconds; doubled with each further one in a row. */
  backoffMs: number;
  /** The rests follow from it. */
  key: RandomKey;
  /** What a request to a server that is closed meanwhile is told. */
  closed: string;
  /** Whether another server, or the same a moment later, may do what failed so. Default: an HttpError that passes. */
  isPassing?: (error: unknown) => error is Error;
  /** Called when a request is handed out again. */
  onRequeued?: () => void;
}

const passesOverHttp = (error: unknown): error is Error =>
  error instanceof HttpError && error.isPassing;

/** A server and what it does. */
interface Place<Server> {
  server: Server;
  /** Requests it has. */
  open: number;
  /** Weights it has loaded; null: unknown. */
  weights: string | null;
  /** Failures in a row. */
  failures: number;
  isResting: boolean;
}

/** A request that waits or is under way. */
interface Job<Server> {
  weights: string;
  work(server: Server): Promise<void>;
  fail(error: unknown): void;
  failedOn: Set<Place<Server>>;
  tries: number;
  isDone: boolean;
}

/**
 * Gives requests to servers, in their order: to the one that has the fewest, none has more than it may, and all of a server's
 * requests at one time want the same weights. When the next request wants others, a server finishes what it has, loads them and
 * goes on. A request that failed in passing goes to another server where there is one.
 */
export class RequestQueue<Server> {
  readonly #places: Place<Server>[] = [];
  readonly #waiting: Job<Server>[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #end = new AbortController();

  /** @param load Has a server load weights. */
  constructor(
    servers: readonly Server[],
    private readonly load: (server: Server, weights: string, signal: AbortSignal) => Promise<void>,
    private readonly options: RequestQueueOptions,
  ) {
    servers.forEach((server) => this.add(server));
  }

  /** Takes one more server. */
  add(server: Server): void {
    this.#places.push({ server, open: 0, weights: null, failures: 0, isResting: false });
    this.#handOut();
  }

  /** Forgets a server; whoever removes it sees to it that what it does fails. @returns Whether it was there. */
  remove(server: Server): boolean {
    const at = this.#places.findIndex((place) => place.server === server);
    if (at >= 0) this.#places.splice(at, 1);
    return at >= 0;
  }

  /** Servers that are there. */
  get size(): number {
    return this.#places.length;
  }

  /**
   * Does `work` with a server that has loaded the weights.
   *
   * @throws What `work` or loading throws when that does not pass; the last failure with the number of tries; the signal's reason.
   */
  async run<Result>(
    weights: string,
    work: (server: Server, signal: AbortSignal) => Promise<Result>,
    signal: AbortSignal | null,
  ): Promise<Result> {
    signal?.throwIfAborted();
    this.#end.signal.throwIfAborted();
    const stop = new AbortController();
    let job!: Job<Server>;
    const give = (reason: unknown) => {
      stop.abort(reason);
      job.fail(reason);
    };
    const forget = [
      onAbort(signal, () => give(signal?.reason)),
      onAbort(this.#end.signal, () => give(this.#end.signal.reason)),
    ];
    try {
      return await new Promise<Result>((resolve, reject) => {
        job = {
          weights,
          work: async (server) => resolve(await work(server, stop.signal)),
          fail: reject,
          failedOn: new Set(),
          tries: 0,
          isDone: false,
        };
        this.#waiting.push(job);
        this.#handOut();
      });
    } finally {
      forget.forEach((stopWaiting) => stopWaiting());
      this.#retire(job);
    }
  }

  /** Fails what waits and what is under way, and what is asked for from now on. @param reason Default: that it was closed. */
  close(reason = new Error(this.options.closed)): void {
    this.#timers.forEach(clearTimeout);
    this.#end.abort(reason);
  }

  #retire(job: Job<Server>): void {
    job.isDone = true;
    const at = this.#waiting.indexOf(job);
    if (at >= 0) this.#waiting.splice(at, 1);
  }

  #handOut(): void {
    while (this.#waiting.length > 0) {
      const place = this.#placeFor(this.#waiting[0]);
      if (place === null) return;
      void this.#give(this.#waiting.shift() as Job<Server>, place);
    }
  }

  /** The server that a request goes to, or null when it has to wait. */
  #placeFor(job: Job<Server>): Place<Server> | null {
    if (this.#places.every((place) => job.failedOn.has(place))) job.failedOn.clear();
    const { requestsInFlight } = this.options;
    const free = this.#places
      .filter((place) => !place.isResting && !job.failedOn.has(place))
      .filter(({ weights, open }) =>
        weights === job.weights ? open < requestsInFlight : open === 0,
      );
    return free.length === 0 ? null : free.reduce((a, b) => (b.open < a.open ? b : a));
  }

  async #give(job: Job<Server>, place: Place<Server>): Promise<void> {
    place.open += 1;
    try {
      if (place.weights !== job.weights) {
        place.weights = null;
        await this.load(place.server, job.weights, this.#end.signal);
        place.weights = job.weights;
      }
      const work = job.isDone ? null : job.work(place.server);
      // Others that want what was loaded.
      this.#handOut();
      await work;
      place.failures = 0;
    } catch (error) {
      this.#failed(job, place, error);
    } finally {
      place.open -= 1;
      this.#handOut();
    }
  }

  #failed(job: Job<Server>, place: Place<Server>, error: unknown): void {
    const { isPassing = passesOverHttp } = this.options;
    if (!isPassing(error)) return job.fail(error);
    // What was restarted has lost its weights.
    place.weights = null;
    this.#rest(place);
    if (job.isDone) return;
    job.tries += 1;
    if (job.tries > this.options.retries) {
      const { message } = error;
      const tries = job.tries === 1 ? '' : ` (${job.tries} tries)`;
      return job.fail(new HttpError(`${message}${tries}`, true, { cause: error }));
    }
    job.failedOn.add(place);
    this.options.onRequeued?.();
    this.#waiting.unshift(job);
  }

  #rest(place: Place<Server>): void {
    if (place.isResting) return;
    place.isResting = true;
    const { backoffMs, key } = this.options;
    const own = key.fold(this.#places.indexOf(place));
    const wait = backoffAfter(Math.min(place.failures, 6), { backoffMs, key: own });
    place.failures += 1;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      place.isResting = false;
      this.#handOut();
    }, wait);
    this.#timers.add(timer);
  }
}
