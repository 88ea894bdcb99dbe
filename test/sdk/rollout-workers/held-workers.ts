import { setImmediate } from 'node:timers/promises';
import {
  RandomKey,
  WorkerLost,
  type Frame,
  type PartEmbeddings,
  type RolloutPart,
  type WorkerEvents,
  type WorkerLink,
  type WorkerPool,
  type WorkerSource,
} from '@flowbook/sdk';
import { backendName } from '../../../sdk/src/rollout-workers/rollout-worker';
import { encodePayload } from '../../../sdk/src/rollout-workers/tensor-payload';

const NOTHING: PartEmbeddings = {
  promptEmbeds: null,
  promptEmbedsMask: null,
  pooledPromptEmbeds: null,
  negativePromptEmbeds: null,
  negativePromptEmbedsMask: null,
  negativePooledPromptEmbeds: null,
};

const SETTINGS = {
  window: [0, 1],
  sameInitialNoise: true,
  numInferenceSteps: 2,
  trueCfgScale: 1,
  guidanceScale: null,
  noiseLevel: 0.7,
  sdeType: 'sde',
  height: 32,
  width: 32,
  compile: false,
} as const;

/** A part of one picture. */
export function partAt(start: number, encoded: () => void = () => {}): RolloutPart {
  return {
    key: RandomKey.fromSeed(1),
    groupSize: 1,
    start,
    size: 1,
    settings: SETTINGS,
    embeddings: () => {
      encoded();
      return NOTHING;
    },
  };
}

/** Until what can happen without time has happened. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await setImmediate();
}

/** A worker that answers when it is told to, or at once. */
export class HeldWorker implements WorkerLink {
  readonly asked: (() => void)[] = [];
  readonly #lose: (reason: Error) => void;
  readonly #lost: Promise<never>;
  underWay = 0;
  most = 0;
  isClosed = false;

  constructor(
    readonly name: string,
    private readonly options: { loads: boolean; holds: () => boolean; closed: () => void },
  ) {
    let lose: (reason: Error) => void = () => {};
    this.#lost = new Promise<never>((_, reject) => (lose = reject));
    this.#lost.catch(() => {});
    this.#lose = lose;
  }

  async call({ header }: Frame, weights: string | null): Promise<Frame> {
    if (header.op === 'hello') {
      if (!this.options.loads) return this.#lost;
      return { header: { backend: backendName() }, payload: new Uint8Array(0) };
    }
    this.most = Math.max(this.most, ++this.underWay);
    const told = new Promise<void>((resolve) => this.asked.push(resolve));
    if (this.options.holds()) await Promise.race([told, this.#lost]);
    this.underWay -= 1;
    const answer = { id: header.id, weights, absent: [], echoed: [], busySeconds: 0.5 };
    return { header: answer, payload: encodePayload([]) };
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#lose(new WorkerLost('it was ended'));
    this.options.closed();
  }
}

/** Two workers at first; one that is ended is replaced. */
export class HeldWorkers implements WorkerSource {
  readonly links: HeldWorker[] = [];
  /** Whether a worker waits to be told. */
  holds: (name: string) => boolean = () => true;
  #events: WorkerEvents | null = null;

  /** @param firstLoads Whether the first worker ever loads its model. */
  constructor(private readonly firstLoads = true) {}

  async open(events: WorkerEvents): Promise<void> {
    this.#events = events;
    this.#add('first', this.firstLoads);
    this.#add('second');
  }

  #add(name: string, loads = true): void {
    const closed = () => {
      this.#events?.left(link, 'it was ended');
      this.#add(`${name}, again`);
    };
    const link = new HeldWorker(name, { loads, holds: () => this.holds(name), closed });
    this.links.push(link);
    this.#events?.joined(link);
  }

  async keep(): Promise<void> {}
  drop(): void {}
  async close(): Promise<void> {}
}

/** A model without weights: what is published of it is empty. */
export const EMPTY = {
  config: {},
  adapters: { names: () => [] },
  trainableVariables: () => new Map(),
} as unknown as Parameters<WorkerPool['publish']>[1];
