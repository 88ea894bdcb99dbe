import {
  WorkerLost,
  threadEnvironment,
  workerProgram,
  type Frame,
  type WorkerEvents,
  type WorkerLink,
  type WorkerSource,
} from '@flowbook/sdk';
import { ANYTHING, checkOptions, type Rules } from '@flowbook/sdk/option-rules';
import { RayBridge, type BridgeEvent } from './ray-bridge';
import type { RayConnection } from './ray-connection';

/** How rollout workers on a Ray cluster are started. */
export interface RayWorkersOptions extends RayConnection {
  /** Most workers. Those that find no place wait for a machine that joins. Default 1. */
  count?: number;
  /** Threads of each, and the processors that Ray keeps for it. Default 1. */
  threads?: number;
  /** Further resources that a worker takes of its machine, by Ray's names, as `{ GPU: 1 }`. Default: none. */
  resources?: Readonly<Record<string, number>>;
  /** Program and arguments, the same on each machine. Default: this Node with this package's worker, by their paths here. */
  command?: readonly [string, ...string[]];
}

const RULES: Rules<RayWorkersOptions> = {
  count: ANYTHING,
  threads: ANYTHING,
  resources: ANYTHING,
  command: ANYTHING,
  address: ANYTHING,
  tokenFile: ANYTHING,
  python: ANYTHING,
};

/** A worker on the cluster. */
export interface RayWorkerPlace {
  name: string;
  /** Ray's id of the machine. */
  node: string;
  actorProcess: number;
  childProcess: number;
}

/**
 * Rollout workers on a Ray cluster: each is an actor with a Node process. Machines may join and leave at any time.
 *
 * @example
 * const workers = new RayWorkers({ address: '10.0.0.1:6379', tokenFile: 'ray-token', count: 8, threads: 4 });
 */
export class RayWorkers implements WorkerSource {
  readonly #links = new Map<number, RayLink>();
  readonly #places = new Map<number, RayWorkerPlace>();
  #bridge: RayBridge | null = null;
  #isClosed = false;

  /** @throws When there is no such option. */
  constructor(private readonly options: RayWorkersOptions) {
    checkOptions('start workers on Ray', options, RULES);
  }

  /** Where the workers are that are there now. */
  get places(): RayWorkerPlace[] {
    return [...this.#places.values()];
  }

  /** @throws When Ray is not installed, the cluster cannot be reached, or the command is too long to be sent. */
  async open(events: WorkerEvents): Promise<void> {
    const { count = 1, threads = 1, resources = {}, command } = this.options;
    const bridge = await RayBridge.connect(
      this.options,
      (event) => this.#heed(bridge, event, events),
      (reason) => {
        for (const link of this.#links.values()) events.left(link, reason);
        this.#links.clear();
        this.#places.clear();
        if (this.#isClosed) return;
        process.stderr.write(`Rollout workers are gone: ${reason}\n`);
        events.ended(reason);
      },
    );
    this.#bridge = bridge;
    const start = {
      ...{ op: 'start', workers: count, threads, resources },
      command: command ?? [process.execPath, workerProgram()],
      environment: threadEnvironment(threads),
    };
    try {
      await bridge.tell(start);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /**
   * Puts weights into Ray's store, for its workers to fetch.
   *
   * @param id What workers ask for them by.
   * @throws When Ray is gone.
   */
  async keep(id: string, frames: readonly Frame[]): Promise<void> {
    for (const { header, payload } of frames) {
      const { lost } = (await this.#connected.ask({ ...header, op: 'keep', keep: id }, payload))
        .header;
      if (lost !== undefined)
        throw new Error(`Cannot keep weights as Ray must be there: ${lost as string}`);
    }
  }

  drop(id: string): void {
    void this.#bridge?.tell({ op: 'drop', keep: id });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#bridge?.close();
  }

  get #connected(): RayBridge {
    if (this.#bridge !== null) return this.#bridge;
    throw new Error('Cannot use workers of a Ray cluster as they must be opened first');
  }

  #heed(bridge: RayBridge, event: BridgeEvent, events: WorkerEvents): void {
    const { worker, host, reason = '' } = event;
    if (event.event === 'left') {
      const link = this.#links.get(worker);
      this.#links.delete(worker);
      this.#places.delete(worker);
      if (link !== undefined) events.left(link, reason);
      return;
    }
    const taken = new Set([...this.#links.values()].map(({ name }) => name));
    let index = 1;
    while (taken.has(`${host}-${index}`)) index += 1;
    const link = new RayLink(bridge, worker, `${host}-${index}`);
    const { node = '', actorProcess = 0, childProcess = 0 } = event;
    this.#links.set(worker, link);
    this.#places.set(worker, { name: link.name, node, actorProcess, childProcess });
    events.joined(link);
  }
}

class RayLink implements WorkerLink {
  constructor(
    private readonly bridge: RayBridge,
    private readonly worker: number,
    readonly name: string,
  ) {}

  async call({ header: frame, payload }: Frame, weights: string | null): Promise<Frame> {
    const question = { op: 'call', worker: this.worker, weights, frame };
    const answer = await this.bridge.ask(question, payload);
    if (answer.header.lost !== undefined) throw new WorkerLost(answer.header.lost as string);
    return { header: answer.header.answer as Frame['header'], payload: answer.payload };
  }

  close(): void {
    void this.bridge.tell({ op: 'end', worker: this.worker });
  }
}
