import { Agenda } from './agenda';

/** A piece of work under way; it can be dropped. */
export interface Work {
  isDropped: boolean;
  isTrainers: boolean;
  done(): void;
}

/**
 * Work that shares a machine's cores. All of it runs at one rate at a time, so that the work done by everyone is one number
 * that grows, and whoever ends next is the first of an agenda in that number.
 */
export class ComputeClock {
  readonly #agenda = new Agenda<Work>();
  #worked = 0;
  #active = 0;
  #workers = 0;

  constructor(
    private readonly cores: number,
    private readonly contention: number,
  ) {}

  /** Seconds of work that each one at work does in a second. */
  get rate(): number {
    const share = Math.min(1, this.cores / Math.max(1, this.#active));
    const together = Math.min(this.#workers, this.cores);
    return share / (1 + this.contention * Math.max(0, together - 1));
  }

  start(seconds: number, isTrainers: boolean, done: () => void): Work {
    const work = { isDropped: false, isTrainers, done };
    this.#count(work, 1);
    this.#agenda.add(this.#worked + seconds, work);
    return work;
  }

  drop(work: Work): void {
    if (work.isDropped) return;
    work.isDropped = true;
    this.#count(work, -1);
  }

  /** Seconds until something ends, Infinity when nothing is under way. */
  get untilNext(): number {
    while (this.#agenda.next?.item.isDropped) this.#agenda.take();
    const next = this.#agenda.next;
    return next === undefined ? Infinity : Math.max(0, next.at - this.#worked) / this.rate;
  }

  pass(seconds: number): void {
    if (this.#active > 0) this.#worked += seconds * this.rate;
  }

  /** Ends what is first, at the moment that `untilNext` said. */
  endNext(): void {
    const next = this.#agenda.take();
    if (next === undefined) return;
    this.#worked = next.at;
    this.drop(next.item);
    next.item.done();
  }

  #count(work: Work, by: 1 | -1): void {
    this.#active += by;
    if (!work.isTrainers) this.#workers += by;
  }
}
