import { Agenda } from './agenda';
import { ComputeClock, type Work } from './compute-clock';
import { Draws } from './draws';
import { checkScenario, type Scenario } from './scenario';

/** What happened in a simulated run, and when. */
export interface SimulatedEvent {
  at: number;
  kind: 'given' | 'done' | 'duplicate' | 'failed' | 'ready' | 'updated';
  /** A worker's number, of 'updated' the step's. */
  of: number;
  part?: number;
}

/** What a simulated run comes to. */
export interface SimulatedRun {
  seconds: number;
  picturesPerSecond: number;
  /** Parts that counted, each once. */
  parts: number;
  requeued: number;
  duplicates: number;
  failures: number;
  /** Of the workers' time, what they did not compute in. */
  workersIdle: number;
  trainerIdle: number;
  /** Updates between the weights of a rollout and those that learn from it, mean over steps. */
  staleness: number;
  /** Of weights and of answers, in bytes. */
  weightsBytes: number;
  answerBytes: number;
}

interface Part {
  id: number;
  step: number;
  phase: number;
  version: number;
  attempts: number;
  since: number;
  isDone: boolean;
}

interface Worker {
  number: number;
  /** Counts its failures, so that what an earlier life had planned is void. */
  life: number;
  part: Part | null;
  work: Work | null;
  workingSince: number;
}

/** One of anything at a time, in the order in which it is asked for. */
class Queue {
  #freeAt = 0;

  /** @returns When something is through that takes so long and is asked for now. */
  through(now: number, seconds: number): number {
    this.#freeAt = Math.max(now, this.#freeAt) + seconds;
    return this.#freeAt;
  }
}

/** Simulates one run: the pool's rules (sdk/src/rollout-workers/worker-pool.ts) on workers that only take time. */
class Simulation {
  readonly #agenda = new Agenda<() => void>();
  readonly #clock: ComputeClock;
  readonly #draws: Draws;
  readonly #handing = new Queue();
  readonly #outgoing = new Queue();
  readonly #incoming = new Queue();
  /** By machine and version: when the weights are there. */
  readonly #copies = new Map<string, number>();
  readonly #waiting: Part[] = [];
  readonly #underWay = new Set<Part>();
  readonly #free: Worker[] = [];
  readonly #open: { phase: number; left: number }[] = [];
  #now = 0;
  #parts = 0;
  #version = 0;
  #isUpdating = false;
  #computed = 0;
  #updating = 0;
  #staleness = 0;
  readonly #counts = { parts: 0, requeued: 0, duplicates: 0, failures: 0 };
  readonly #bytes = { weightsBytes: 0, answerBytes: 0 };

  constructor(
    private readonly scenario: Scenario,
    seed: number,
    private readonly onEvent: (event: SimulatedEvent) => void,
  ) {
    this.#clock = new ComputeClock(scenario.cores, scenario.contention);
    this.#draws = new Draws(seed);
  }

  run(): SimulatedRun {
    const { steps, workers, maxStaleness, partsPerStep, picturesPerPart } = this.scenario;
    for (let number = 0; number < workers; number++) {
      this.#enter({ number, life: 0, part: null, work: null, workingSince: 0 });
    }
    for (let step = 0; step <= maxStaleness; step++) this.#begin(step);
    this.#handOut();
    while (this.#version < steps) this.#next();
    const seconds = this.#now;
    return {
      seconds,
      picturesPerSecond: (steps * partsPerStep * picturesPerPart) / seconds,
      ...this.#counts,
      workersIdle: 1 - this.#computed / (workers * seconds),
      trainerIdle: 1 - this.#updating / seconds,
      staleness: this.#staleness / steps,
      ...this.#bytes,
    };
  }

  /** Goes on to whatever happens next, work that ends or something planned. */
  #next(): void {
    const working = this.#clock.untilNext;
    const planned = this.#agenda.next;
    const wait = planned === undefined ? Infinity : Math.max(0, planned.at - this.#now);
    if (working <= wait) {
      this.#now += working;
      this.#clock.endNext();
    } else {
      this.#clock.pass(wait);
      this.#now = Math.max(this.#now, planned?.at ?? this.#now);
      this.#agenda.take()?.item();
    }
  }

  #at(time: number, action: () => void): void {
    if (time < Infinity) this.#agenda.add(time, action);
  }

  #begin(step: number): void {
    if (step >= this.scenario.steps) return;
    this.#open[step] = { phase: 0, left: 0 };
    this.#ask(step, 0, Math.max(0, step - this.scenario.maxStaleness));
  }

  /** Has a phase's parts made. */
  #ask(step: number, phase: number, version: number): void {
    this.#open[step] = { phase, left: this.scenario.partsPerStep };
    for (let index = 0; index < this.scenario.partsPerStep; index++) {
      const id = this.#parts++;
      this.#waiting.push({
        ...{ id, step, phase, version, attempts: 0, since: 0, isDone: false },
      });
    }
    // What the trainer waits for now goes before what it is to learn from later.
    this.#waiting.sort((a, b) => a.step - b.step || a.id - b.id);
  }

  /** Takes the present step further, when its phase is through. */
  #advance(): void {
    const step = this.#version;
    if (step >= this.scenario.steps || this.#isUpdating || this.#open[step].left > 0) return;
    const { phase } = this.#open[step];
    if (phase + 1 < this.scenario.phases.length) {
      this.#ask(step, phase + 1, step);
      this.#handOut();
      return;
    }
    this.#isUpdating = true;
    const since = this.#now;
    this.#clock.start(this.scenario.updateSeconds, true, () => {
      this.#isUpdating = false;
      this.#updating += this.#now - since;
      this.#staleness += step - Math.max(0, step - this.scenario.maxStaleness);
      this.onEvent({ at: this.#now, kind: 'updated', of: step });
      this.#version += 1;
      this.#begin(this.#version + this.scenario.maxStaleness);
      this.#handOut();
      this.#advance();
    });
  }

  #enter(worker: Worker): void {
    const { number, life } = worker;
    const lives = this.#draws.life(number, life, this.scenario.failureSeconds);
    this.#at(this.#now + lives, () => this.#fail(worker));
    this.#free.push(worker);
  }

  #fail(worker: Worker): void {
    this.#counts.failures += 1;
    this.onEvent({ at: this.#now, kind: 'failed', of: worker.number });
    worker.life += 1;
    this.#stopWork(worker);
    const { part } = worker;
    worker.part = null;
    const place = this.#free.indexOf(worker);
    if (place >= 0) this.#free.splice(place, 1);
    if (part !== null && !part.isDone) {
      this.#counts.requeued += 1;
      this.#underWay.delete(part);
      this.#waiting.unshift(part);
    }
    this.#at(this.#now + this.scenario.restartSeconds, () => {
      this.onEvent({ at: this.#now, kind: 'ready', of: worker.number });
      this.#enter(worker);
      this.#handOut();
    });
    this.#handOut();
  }

  #stopWork(worker: Worker): void {
    if (worker.work === null) return;
    this.#clock.drop(worker.work);
    this.#computed += this.#now - worker.workingSince;
    worker.work = null;
  }

  #handOut(): void {
    while (this.#free.length > 0) {
      let part = this.#waiting.shift();
      // One that was lost may have been made by another worker meanwhile.
      while (part?.isDone) part = this.#waiting.shift();
      part ??= this.#latePart();
      if (part === undefined) return;
      this.#give(part, this.#free.shift() as Worker);
    }
  }

  #latePart(): Part | undefined {
    for (const part of this.#underWay) {
      if (this.#now - part.since < this.scenario.lateAfterSeconds) continue;
      this.#counts.requeued += 1;
      return part;
    }
    return undefined;
  }

  #give(part: Part, worker: Worker): void {
    const { callSeconds, lateAfterSeconds, phases, straggling } = this.scenario;
    part.attempts += 1;
    part.since = this.#now;
    this.#underWay.add(part);
    worker.part = part;
    this.onEvent({ at: this.#now, kind: 'given', of: worker.number, part: part.id });
    this.#at(this.#now + lateAfterSeconds, () => this.#handOut());
    const slowness = this.#draws.slowness(part.id, part.attempts, straggling);
    const { life } = worker;
    this.#at(
      this.#weightsThere(worker, part, this.#handing.through(this.#now, callSeconds)),
      () => {
        if (worker.life !== life) return;
        worker.workingSince = this.#now;
        worker.work = this.#clock.start(phases[part.phase].seconds * slowness, false, () =>
          this.#answer(worker, part),
        );
      },
    );
  }

  /** When a worker's machine has a part's weights; the first of its workers that needs them has them sent. */
  #weightsThere(worker: Worker, part: Part, asked: number): number {
    const { workersPerMachine, weightsBytes, bytesPerSecond } = this.scenario;
    const copy = `${Math.floor(worker.number / workersPerMachine)} ${part.version}`;
    let there = this.#copies.get(copy);
    if (there === undefined) {
      there = this.#outgoing.through(asked, weightsBytes / bytesPerSecond);
      this.#bytes.weightsBytes += weightsBytes;
      this.#copies.set(copy, there);
    }
    return Math.max(asked, there);
  }

  #answer(worker: Worker, part: Part): void {
    this.#stopWork(worker);
    const { bytesOut } = this.scenario.phases[part.phase];
    const { life } = worker;
    this.#bytes.answerBytes += bytesOut;
    this.#at(this.#incoming.through(this.#now, bytesOut / this.scenario.bytesPerSecond), () => {
      if (worker.life !== life) return;
      worker.part = null;
      this.#free.push(worker);
      this.#accept(worker, part);
      this.#handOut();
      this.#advance();
    });
  }

  #accept(worker: Worker, part: Part): void {
    const kind = part.isDone ? 'duplicate' : 'done';
    this.onEvent({ at: this.#now, kind, of: worker.number, part: part.id });
    if (part.isDone) {
      this.#counts.duplicates += 1;
      return;
    }
    part.isDone = true;
    this.#underWay.delete(part);
    this.#counts.parts += 1;
    this.#open[part.step].left -= 1;
  }
}

/**
 * Simulates a run of one trainer and its workers, event by event.
 *
 * @param seed Decides slowness and failures.
 * @throws If a number of the scenario is out of bounds.
 */
export function simulate(
  scenario: Scenario,
  seed: number,
  onEvent: (event: SimulatedEvent) => void = () => {},
): SimulatedRun {
  checkScenario(scenario);
  return new Simulation(scenario, seed, onEvent).run();
}
