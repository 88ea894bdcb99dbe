import { backendInfo } from '../tensorflow';
import type { RolloutPipeline } from '../pipelines';
import { disposePart, rollOutPart } from '../training/rollout-part';
import type { Frame, FrameHeader } from './frame';
import { decodePart, encodeResult } from './part-message';
import { answerQuestion } from './reward-message';
import { loadWeights } from './weights-message';
import { loadWorkerModel, type WorkerModel } from './worker-model';

/** What a worker says of itself when it has loaded its model. */
export interface WorkerGreeting {
  processId: number;
  /** Whose bits can be compared: `tensorflow 2.21.0`, or `cpu` for the JavaScript backend. */
  backend: string;
}

/** Backend and version, as trainer and worker compare them. */
export function backendName(): string {
  const { name, nativeVersion } = backendInfo();
  return nativeVersion === null ? name : `${name} ${nativeVersion}`;
}

/**
 * Answers a trainer's frames: 'hello' loads the model, 'weights' replaces what is trained, 'part' rolls out, 'rate' rates
 * pictures by a reward, for which no model is needed.
 *
 * It holds nothing else that an answer could depend on: a part and weights give the same pictures in any worker.
 */
export class RolloutWorker {
  #pipeline: RolloutPipeline | null = null;
  /** Frames of weights that have not all come. */
  #shards: Frame[] = [];
  #weights: string | null = null;

  /** @returns The answer, with the id of what was asked; `error` in place of a result that there is not. */
  async answer(frame: Frame): Promise<Frame> {
    const { op, id, attempt } = frame.header;
    try {
      const { header, payload } = await this.#do(op as string, frame);
      return { header: { ...header, id, attempt, weights: this.#weights }, payload };
    } catch (error) {
      const message = (error as Error).message;
      return { header: { id, attempt, error: message }, payload: new Uint8Array(0) };
    }
  }

  async #do(op: string, frame: Frame): Promise<Frame> {
    if (op === 'hello') return said(await this.#load(frame.header.model as WorkerModel));
    if (op === 'rate') return said(await answerQuestion(frame));
    if (this.#pipeline === null) {
      throw new Error(`Cannot do "${op}" as a worker must load a model first: it has none`);
    }
    if (op === 'weights') return said(this.#takeWeights(this.#pipeline, frame));
    if (op === 'part') return this.#rollOut(this.#pipeline, frame);
    throw new Error(`Cannot do "${op}" as a worker can do hello, weights, part and rate`);
  }

  async #load(model: WorkerModel): Promise<WorkerGreeting> {
    this.#pipeline?.dispose();
    this.#pipeline = await loadWorkerModel(model);
    return { processId: process.pid, backend: backendName() };
  }

  #takeWeights({ transformer }: RolloutPipeline, frame: Frame): { index: number } {
    const { index, count, weights } = frame.header as FrameHeader & {
      index: number;
      count: number;
      weights: string;
    };
    if (index === 0) this.#shards = [];
    if (index !== this.#shards.length) {
      throw new Error(
        `Cannot take weights as shard ${this.#shards.length} must come next: current value is ${index}`,
      );
    }
    this.#shards.push(frame);
    if (this.#shards.length < count) return { index };
    const shards = this.#shards;
    this.#shards = [];
    this.#weights = null;
    loadWeights(transformer, shards);
    this.#weights = weights;
    return { index };
  }

  async #rollOut(pipeline: RolloutPipeline, frame: Frame): Promise<Frame> {
    const began = performance.now();
    const part = decodePart(frame);
    const result = await rollOutPart(pipeline, part, null);
    try {
      const { header, payload } = encodeResult(result, part);
      return { header: { ...header, busySeconds: (performance.now() - began) / 1000 }, payload };
    } finally {
      disposePart(result);
    }
  }
}

const said = (header: object): Frame => ({
  header: header as FrameHeader,
  payload: new Uint8Array(0),
});
