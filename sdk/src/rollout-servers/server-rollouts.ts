import { randomBytes } from 'node:crypto';
import { throwIfAborted } from '../core/cell-signal';
import { RandomKey } from '../core/random-key';
import { bearerToken } from '../io/http/bearer-token';
import { post, type PostAnswer } from '../io/http/post';
import { RequestQueue } from '../io/request-queue';
import type { RolloutPipeline, TrainableModel } from '../pipelines';
import type { PromptedPart, RolledOutPart } from '../training/rollout-part';
import type { RolloutWorkers, WorkersReport } from '../training/rollout-workers';
import { PublishedWeights } from '../rollout-workers/published-weights';
import { WorkerStatistics } from '../rollout-workers/worker-statistics';
import { joinPart } from './join-part';
import { requestsOf } from './part-requests';
import type {
  PictureRequest,
  RolloutProtocol,
  ServedPicture,
  ServerPost,
} from './rollout-protocol';
import { ScheduleCache } from './schedule-cache';
import {
  rolloutServerSettings,
  type RolloutServerOptions,
  type RolloutServerSettings,
} from './server-options';
import { WeightsFolder, type WeightsOnServer } from './weights-folder';

/** What rollouts on servers need of the trainer's pipeline. */
export type ServedPipeline = Pick<RolloutPipeline, 'modelConfig' | 'encodeImages' | 'cfgScale'> & {
  readonly transformer: { readonly config: object };
};

const ACTION = 'roll out on servers';

/** Rollouts on inference servers that exist, in the place of workers. What a kind of server takes and gives is its protocol. */
export abstract class ServerRollouts implements RolloutWorkers {
  readonly mostGap: number;
  readonly #pipeline: ServedPipeline;
  readonly #protocol: RolloutProtocol;
  readonly #settings: RolloutServerSettings;
  readonly #queue: RequestQueue<URL>;
  readonly #folder: WeightsFolder;
  readonly #published = new PublishedWeights<WeightsOnServer>(({ id }) => {
    this.#known.delete(id);
    this.#folder.drop(id);
  });
  /** All weights that a part may still be asked for with, by their id. */
  readonly #known = new Map<string, WeightsOnServer>();
  readonly #schedules: ScheduleCache;
  readonly #statistics = new WorkerStatistics();
  // Servers keep what they loaded by its path: no other run may use the same one.
  readonly #run = randomBytes(4).toString('hex');
  #revision = 0;

  /** @throws When an option breaks its rule. */
  protected constructor(
    pipeline: ServedPipeline,
    protocol: RolloutProtocol,
    options: RolloutServerOptions,
  ) {
    const settings = rolloutServerSettings(options, protocol.mostPictures);
    this.#pipeline = pipeline;
    this.#protocol = protocol;
    this.#settings = settings;
    this.mostGap = settings.mostGap;
    this.#folder = new WeightsFolder(settings);
    this.#schedules = new ScheduleCache(pipeline.modelConfig);
    this.#queue = new RequestQueue(
      settings.urls,
      (url, id, signal) => this.#load(url, id, signal),
      {
        ...settings,
        key: RandomKey.fromSeed(settings.seed).fold('rollout servers'),
        closed: 'Cannot go on with a rollout as its servers were closed',
        onRequeued: () => (this.#statistics.requeued += 1),
      },
    );
    for (const { host } of settings.urls) this.#statistics.join(host);
  }

  /**
   * Gives the weights as they are to the servers, each when it is first asked for them.
   *
   * @param version What `rollOut` names them by.
   * @throws When the servers take adapters alone and the model has none, or the operating system refuses to write.
   */
  async publish(version: number, model: TrainableModel): Promise<void> {
    const { adapterFormat, takesAllWeights, name } = this.#protocol;
    if (!takesAllWeights && model.adapters.names().length === 0) {
      throw new Error(
        `Cannot roll out on ${name} as it takes adapters alone: train with lora, the model has none`,
      );
    }
    this.#revision += 1;
    const id = `${this.#run}-${version}.${this.#revision}`;
    const weights = this.#folder.write(id, model, adapterFormat);
    this.#known.set(id, weights);
    this.#published.replace(version, weights);
  }

  async rollOut(
    part: PromptedPart,
    version: number,
    signal: AbortSignal | null | undefined,
  ): Promise<RolledOutPart> {
    throwIfAborted(signal);
    const published = this.#published.find(version);
    this.#checkSettings(part);
    const { picturesPerRequest } = this.#settings;
    const { trueCfgScale, guidanceScale } = part.settings;
    const guidance = this.#pipeline.cfgScale({ trueCfgScale, guidanceScale: guidanceScale ?? 0 });
    const requests = requestsOf(part, { guidance, picturesPerRequest });
    published.users += 1;
    try {
      const pictures = await this.#askAll(requests, published.weights, signal ?? null);
      return joinPart(part, pictures, this.#schedules.of(part.settings), this.#pipeline);
    } finally {
      this.#published.release(published);
    }
  }

  takeReport(): WorkersReport {
    return this.#statistics.take();
  }

  /** Fails what was asked for and is not there, and removes the weights that were written. */
  async close(): Promise<void> {
    this.#queue.close();
    this.#folder.close();
  }

  #checkSettings({ settings }: PromptedPart): void {
    if (settings.sameInitialNoise) {
      throw new Error(
        `Cannot roll out on ${this.#protocol.name} as sameInitialNoise must be false: a server draws the noise that each picture starts from`,
      );
    }
    this.#protocol.check(settings);
  }

  /** All pictures in order; when a request fails, those beside it are stopped. */
  async #askAll(
    requests: readonly PictureRequest[],
    weights: WeightsOnServer,
    signal: AbortSignal | null,
  ): Promise<ServedPicture[]> {
    const stop = new AbortController();
    const either = signal === null ? stop.signal : AbortSignal.any([signal, stop.signal]);
    const asked = requests.map(async (request) => {
      try {
        return await this.#queue.run(
          weights.id,
          (url, end) => this.#ask(url, request, weights, end),
          either,
        );
      } catch (error) {
        stop.abort(error);
        throw error;
      }
    });
    const ends = await Promise.allSettled(asked);
    throwIfAborted(signal);
    stop.signal.throwIfAborted();
    return ends.flatMap((end) => (end as PromiseFulfilledResult<ServedPicture[]>).value);
  }

  async #ask(
    url: URL,
    request: PictureRequest,
    weights: WeightsOnServer,
    signal: AbortSignal,
  ): Promise<ServedPicture[]> {
    const began = performance.now();
    const { answer, sent } = await this.#post(url, this.#protocol.ask(request, weights), signal);
    const schedule = this.#schedules.of(request.settings);
    const served = { answer, server: url.host, request, schedule };
    const { pictures, busySeconds } = await this.#protocol.read(served);
    this.#statistics.count(url.host, {
      busySeconds: busySeconds ?? (performance.now() - began) / 1000,
      bytesIn: sent,
      bytesOut: answer.bytes.length,
    });
    return pictures;
  }

  async #load(url: URL, id: string, signal: AbortSignal): Promise<void> {
    const load = this.#protocol.load(this.#known.get(id) as WeightsOnServer);
    if (load !== null) await this.#post(url, load, signal);
  }

  async #post(
    url: URL,
    { path, body }: ServerPost,
    signal: AbortSignal,
  ): Promise<{ answer: PostAnswer; sent: number }> {
    const { headers, tokenVariable, timeoutMs, maxResponseBytes } = this.#settings;
    const bytes = Buffer.from(JSON.stringify(body));
    const answer = await post(new URL(path, url), {
      body: bytes,
      headers: {
        accept: this.#protocol.accept,
        'content-type': 'application/json',
        ...bearerToken(tokenVariable, ACTION),
        ...headers,
      },
      timeoutMs,
      maxResponseBytes,
      signal,
    });
    return { answer, sent: bytes.length };
  }
}
