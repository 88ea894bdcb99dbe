import assert from 'node:assert/strict';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import {
  RandomKey,
  WorkerPool,
  type Frame,
  type PartEmbeddings,
  type RolloutPart,
  type WorkerEvents,
  type WorkerLink,
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

/** A worker that answers when it is told to. */
class HeldWorker implements WorkerLink {
  readonly asked: (() => void)[] = [];
  underWay = 0;
  most = 0;

  constructor(readonly name: string) {}

  async call({ header }: Frame, weights: string | null): Promise<Frame> {
    if (header.op === 'hello') {
      return { header: { backend: backendName() }, payload: new Uint8Array(0) };
    }
    this.most = Math.max(this.most, ++this.underWay);
    await new Promise<void>((resolve) => this.asked.push(resolve));
    this.underWay -= 1;
    const answer = { id: header.id, weights, absent: [], echoed: [], busySeconds: 0.5 };
    return { header: answer, payload: encodePayload([]) };
  }

  close(): void {}
}

class HeldWorkers implements WorkerSource {
  readonly links = [new HeldWorker('first'), new HeldWorker('second')];

  async open(events: WorkerEvents): Promise<void> {
    for (const link of this.links) events.joined(link);
  }

  async keep(): Promise<void> {}
  drop(): void {}
  async close(): Promise<void> {}
}

/** A model without weights: what is published of it is empty. */
const EMPTY = {
  config: {},
  adapters: { names: () => [] },
  trainableVariables: () => new Map(),
} as unknown as Parameters<WorkerPool['publish']>[1];

describe('WorkerPool with many parts', () => {
  let source: HeldWorkers;
  let pool: WorkerPool;
  /** Parts whose embeddings were asked for. */
  let encoded: number;

  const part = (start: number): RolloutPart => ({
    key: RandomKey.fromSeed(1),
    groupSize: 1,
    start,
    size: 1,
    settings: SETTINGS,
    embeddings: () => {
      encoded += 1;
      return NOTHING;
    },
  });
  const turns = async () => {
    for (let turn = 0; turn < 20; turn++) await setImmediate();
  };

  beforeEach(async () => {
    encoded = 0;
    source = new HeldWorkers();
    pool = new WorkerPool(source, { path: 'none' });
    await pool.publish(1, EMPTY);
    await turns();
  });

  afterEach(() => pool.close());

  it('gives a worker one part at a time, and encodes no part before a worker is free', async () => {
    const parts = Array.from({ length: 12 }, (_, at) => pool.rollOut(part(at), 1, null));
    await turns();
    assert.deepEqual([pool.size, encoded], [2, 2]);
    for (let done = 1; done <= 12; done++) {
      const busy = source.links.find(({ asked }) => asked.length > 0) as HeldWorker;
      busy.asked.shift()?.();
      await turns();
      // A part is encoded anew to be decoded, where embeddings come back as they were sent; none do here.
      assert.equal(encoded, Math.min(12, 2 + done));
    }
    assert.equal((await Promise.all(parts)).length, 12);
    assert.deepEqual(
      source.links.map(({ most }) => most),
      [1, 1],
    );
  });

  it('reports what each worker did, and nothing twice', async () => {
    const parts = Array.from({ length: 3 }, (_, at) => pool.rollOut(part(at), 1, null));
    await turns();
    source.links[0].asked.shift()?.();
    await turns();
    source.links.forEach(({ asked }) => asked.shift()?.());
    await Promise.all(parts);
    const { workers } = pool.takeReport();
    assert.deepEqual(
      workers.map(({ worker, parts: count, busySeconds }) => [worker, count, busySeconds]),
      [
        ['first', 2, 1],
        ['second', 1, 0.5],
      ],
    );
    assert.ok(workers.every(({ bytesIn, bytesOut }) => bytesIn > 0 && bytesOut > 0));
    assert.deepEqual(
      pool.takeReport().workers.map(({ parts: count, busySeconds }) => [count, busySeconds]),
      [
        [0, 0],
        [0, 0],
      ],
    );
  });

  it('listens once to a signal that eleven parts and more wait with', async () => {
    const warnings: string[] = [];
    const warned = (warning: Error) => void warnings.push(warning.name);
    process.on('warning', warned);
    const controller = new AbortController();
    const parts = Array.from({ length: 40 }, (_, at) =>
      pool.rollOut(part(at), 1, controller.signal),
    );
    await sleep(1);
    controller.abort(new Error('enough'));
    const ends = await Promise.allSettled(parts);
    process.removeListener('warning', warned);
    assert.deepEqual(warnings, []);
    assert.ok(ends.every((end) => end.status === 'rejected' && end.reason.message === 'enough'));
  });
});
