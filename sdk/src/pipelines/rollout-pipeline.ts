import { DiffusionModelConfig, defaultSdeType, type DiffusionModelConfigLike } from '../config';
import { cellSignal } from '../core/cell-signal';
import type { DiffusionTransformer } from '../models';
import type { FlowMatchSDEDiscreteScheduler, SdeWindow } from '../schedulers';
import {
  checkDevice,
  compile as compileGraph,
  keyGenerator,
  tf,
  type CompiledFunction,
  type Generator,
} from '../tensorflow';
import { CompiledModel } from './compiled-model';
import { offMainThread } from './off-main-thread';
import { denoise, type DenoiseSettings, type Trajectory } from './denoise';
import { pickTensors } from './diffuse-arguments';
import type { TrainableModel } from './model-mixin';
import {
  disposeEmbeddings,
  embeddingFields,
  repeatEmbeddings,
  type PromptEmbeddings,
  type RequestEmbeddings,
} from './prompt-embeddings';
import { batchRequests } from './request-batch';
import type { DiffuseOptions, LoadOptions, RolloutOptions } from './rollout-options';
import { checkRollout } from './rollout-rules';
import {
  emptyOutput,
  finish,
  splitOutput,
  tensorsOf,
  type DiffusionOutput,
} from './rollout-output';
import type { RolloutRequest, RolloutTensors } from './rollout-request';
import { resolveSettings, type RolloutDefaults, type RolloutSettings } from './rollout-settings';
import { drawSdeWindow } from './sde-window';

/** What `diffuse` returns: `[latents, allLatents, allLogProbs, allTimesteps]`. */
export type DiffuseResult = [
  latents: tf.Tensor,
  allLatents: tf.Tensor,
  allLogProbs: tf.Tensor2D | null,
  allTimesteps: tf.Tensor2D,
];

/** What is denoised, once embeddings, noise, times and window are there. */
export interface PreparedRollout extends RequestEmbeddings {
  latents: tf.Tensor;
  /** All of the scheduler's. */
  timesteps: Float32Array;
  window: SdeWindow | SdeWindow[];
  settings: RolloutSettings;
}

/** A transformer of any architecture. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type AnyTransformer = DiffusionTransformer<object, any, tf.Tensor>;

/** The velocity at latents and times. */
type Velocity = (module: TrainableModel, latents: tf.Tensor, timestep: tf.Tensor1D) => tf.Tensor;

/**
 * What rollout pipelines share: they make pictures by the SDE sampler and keep the latents, their
 * log-probabilities and times that training replays. An architecture adds its parts, its embeddings, its
 * noise and schedule, and its `diffuse`.
 */
export abstract class RolloutPipeline<Options extends RolloutOptions = RolloutOptions> {
  abstract readonly transformer: AnyTransformer;
  abstract readonly scheduler: FlowMatchSDEDiscreteScheduler;
  /** Whether the transformer leaves padded tokens out, so that embeddings may be padded to any length. */
  abstract readonly masksPadding: boolean;
  readonly modelConfig: DiffusionModelConfig;
  /** Defaults of `forward`'s options. */
  protected abstract readonly defaults: RolloutDefaults;
  /** Names of `forward`'s options beside those of `RolloutOptions`: any other is refused. Null: there may be any. */
  protected readonly ownOptions: readonly string[] | null = null;
  readonly #generator: Generator;
  #compiled: CompiledModel | null = null;
  #compiledDecode: CompiledFunction<[tf.Tensor, number, number], tf.Tensor> | null = null;

  protected constructor(
    modelConfig: DiffusionModelConfigLike,
    { device, seed = 0 }: LoadOptions = {},
  ) {
    checkDevice(device);
    this.modelConfig = DiffusionModelConfig.from(modelConfig);
    this.#generator = keyGenerator(seed);
  }

  /** Embeds prompts; the caller owns the tensors. */
  abstract encodePrompt(
    prompts: string | readonly string[],
    options?: { maxSequenceLength?: number },
  ): PromptEmbeddings;

  /** Decodes final latents to pictures (B, 3, H, W) from -1 to 1; height and width in pixels. */
  abstract decodeLatents(latents: tf.Tensor, height: number, width: number): tf.Tensor4D;

  /**
   * Encodes pictures (B, 3, H, W) from -1 to 1 to clean latents, as the transformer learns on them: the mean of what the
   * autoencoder says. The caller owns them.
   */
  abstract encodeImages(pictures: tf.Tensor4D): tf.Tensor;

  /** The scale of classifier-free guidance among the two that settings hold; off at 1 and below. */
  abstract cfgScale(settings: { trueCfgScale: number; guidanceScale: number }): number;

  /** Embeds what a request asks for; null for a request without prompts, ids or embeddings. */
  protected abstract embedRequest(
    request: RolloutRequest,
    options: Options,
    settings: RolloutSettings,
  ): RequestEmbeddings | null;

  /** Draws the noise that a batch of B pictures starts from. */
  protected abstract drawLatents(B: number, settings: RolloutSettings): tf.Tensor;

  /** Sets the times of `scheduler`. Each call of `forward` goes on with a copy of it. */
  protected abstract setTimesteps(latents: tf.Tensor, settings: RolloutSettings): void;

  /** Calls `diffuse` with its arguments. Options hold the call's own scheduler: hand them on. */
  protected abstract denoiseRollout(
    prepared: PreparedRollout,
    options: Options & DiffuseOptions,
  ): Promise<DiffuseResult>;

  /** Refuses a size of pictures that the architecture cannot make. */
  protected checkSize(_settings: RolloutSettings, _options: Options): void {}

  /** An output as it is returned; an algorithm may add what its training needs. */
  protected completeOutput(output: DiffusionOutput, _timesteps: Float32Array): DiffusionOutput {
    return output;
  }

  /** A request as it is served; an algorithm may place its window here. */
  protected prepareRequest(request: RolloutRequest, _options: Options): RolloutRequest {
    return request;
  }

  /**
   * Makes pictures and collects what training needs: embeds the prompts, draws noise and window, runs
   * `diffuse`, and decodes.
   *
   * What the request says in `sampling_params` goes before `options`. Of `modelConfig` the size alone is read (and `algorithm`,
   * for the default of `sdeType`): hand over its steps, guidance, noise level and SDE type. Without prompts, ids or
   * embeddings the output is empty. The same seed gives a row the same noise in any batch. Calls may run
   * beside each other; `scheduler` keeps the schedule of the one that began last.
   *
   * @param req Prompts and sampling parameters.
   * @throws When there is no such option, a number is none that there can be, sizes, sigmas, latents or windows do not fit, there is
   *   no such transition, or the signal is aborted; nothing is leaked then.
   */
  async forward(req: RolloutRequest, options = {} as Options): Promise<DiffusionOutput> {
    checkRollout(req, options, this.ownOptions);
    const request = this.prepareRequest(req, options);
    const defaults = { ...this.defaults, sdeType: defaultSdeType(this.modelConfig.algorithm) };
    const settings = resolveSettings(request, options, defaults, {
      height: this.modelConfig.pipeline.height,
      width: this.modelConfig.pipeline.width,
      generator: this.#generator,
    });
    this.checkSize(settings, options);
    const noise = request.sampling_params?.latents ?? options.latents;
    checkNoise(noise);
    const given = this.embedRequest(request, options, settings);
    if (given === null) return emptyOutput();

    const owned: tf.Tensor[] = [];
    const own = <X extends tf.Tensor | null | undefined>(tensor: X): X => {
      if (tensor) owned.push(tensor);
      return tensor;
    };
    const kept: tf.Tensor[] = [];
    let scheduler: FlowMatchSDEDiscreteScheduler | null = null;
    try {
      const repeat = (embeddings: PromptEmbeddings) => {
        const repeated = repeatEmbeddings(embeddings, settings.imagesPerPrompt);
        [repeated.embeds, repeated.mask, repeated.pooled].forEach(own);
        return repeated;
      };
      const positive = repeat(given.positive);
      const negative = given.negative && repeat(given.negative);
      disposeEmbeddings(given.positive);
      disposeEmbeddings(given.negative);
      const latents = own(noise?.clone() ?? this.drawLatents(positive.embeds.shape[0], settings));
      this.setTimesteps(latents, settings);
      // While this call waits, another may lay out another schedule.
      scheduler = this.scheduler.copy();
      const timesteps = scheduler.timestepValues;
      checkTimes(timesteps, options.compat ?? null);
      const window = drawSdeWindow(
        { size: settings.windowSize, range: settings.windowRange, steps: settings.steps },
        settings.generator,
        options.compat ?? null,
      );
      const [x, allLatents, allLogProbs, allTimesteps] = await this.denoiseRollout(
        { positive, negative, latents, timesteps, window, settings },
        { ...options, scheduler },
      );
      [x, allLatents, allLogProbs, allTimesteps].forEach(own);
      options.onDenoised?.();
      const customOutput: RolloutTensors = {
        all_latents: allLatents,
        all_log_probs: allLogProbs,
        all_timesteps: allTimesteps,
        ...embeddingFields(positive, negative),
        ...(settings.outputType === 'both' && { latents_clean: x }),
      };
      const { height, width } = settings;
      const picture = await finish(x, settings.outputType, () =>
        options.compile
          ? this.#decodeCompiled.runAsync(x, height, width)
          : this.decodeLatents(x, height, width),
      );
      const output = this.completeOutput({ output: picture, customOutput }, timesteps);
      kept.push(...tensorsOf(output));
      return output;
    } finally {
      scheduler?.dispose();
      tf.dispose(owned.filter((tensor) => !kept.includes(tensor)));
    }
  }

  /**
   * Serves several requests as one packed batch; otherwise as `forward`. Each keeps its own parameters
   * and noise: those with different parameters go through the model one after the other, and those that
   * go together share an SDE window. With `compat: 'verl-omni'` all go together, by the first one's
   * parameters, and each row with a generator of its own draws its own window.
   *
   * @returns One output for each request.
   * @throws When only some have prompts, noise or latents of their own.
   * @example
   * const pipeline = await loadPipeline('datasets/tiny-qwen-image', { height: 64, width: 64 });
   * const [first, second] = await pipeline.forwardBatch(
   *   [1, 2].map((seed) => ({ prompts: ['a red circle'], sampling_params: { seed } })),
   *   { numInferenceSteps: 4 },
   * );
   */
  async forwardBatch(
    requests: readonly RolloutRequest[],
    options = {} as Options,
  ): Promise<DiffusionOutput[]> {
    const outputs: DiffusionOutput[] = [];
    const batches = batchRequests(requests, options);
    try {
      for (const { places, rows, request } of batches) {
        const parts = splitOutput(await this.forward(request, options), rows);
        parts.forEach((part, at) => (outputs[places[at]] = part));
      }
    } catch (error) {
      tf.dispose(outputs.flatMap(tensorsOf));
      throw error;
    } finally {
      for (const { request } of batches) request.sampling_params?.latents?.dispose();
    }
    return outputs;
  }

  /**
   * Runs the denoising loop: what `diffuse` of an architecture comes down to.
   *
   * @throws When `timesteps` are not the scheduler's.
   */
  protected async walk(
    latents: tf.Tensor,
    timesteps: tf.Tensor | ArrayLike<number>,
    velocity: Velocity,
    shown: Record<string, tf.Tensor | null>,
    settings: Pick<DenoiseSettings, 'noiseLevel' | 'window' | 'sdeType' | 'generator' | 'logprobs'>,
    options: DiffuseOptions,
  ): Promise<DiffuseResult> {
    const { signal = cellSignal(), compile = false, callbackOnStepEnd = null } = options;
    const { callbackOnStepEndTensorInputs: names = ['latents'] } = options;
    const module = compile ? this.compiledTransformer : this.transformer;
    const scheduler = options.scheduler ?? this.scheduler.copy();
    const times = timesteps instanceof tf.Tensor ? await timesteps.data<'float32'>() : timesteps;
    checkSchedule(times, scheduler.timestepValues);
    const trajectory: Trajectory = await denoise(latents, {
      ...settings,
      scheduler,
      timesteps: times,
      velocity: (x, timestep) => offMainThread(module, (asked) => velocity(asked, x, timestep)),
      signal,
      onStep:
        callbackOnStepEnd &&
        ((step, x) => {
          const tensors = pickTensors({ latents: x, ...shown }, names);
          return callbackOnStepEnd({ step, timestep: times[step], tensors });
        }),
    });
    const { allLatents, allLogProbs, allTimesteps } = trajectory;
    return [trajectory.latents, allLatents, allLogProbs, allTimesteps];
  }

  /** The transformer as one compiled graph: same weights, same predictions to float32 noise. */
  get compiledTransformer(): CompiledModel {
    return (this.#compiled ??= new CompiledModel(this.transformer));
  }

  /** XLA gains nothing on these convolutions and takes long to compile them. */
  get #decodeCompiled(): CompiledFunction<[tf.Tensor, number, number], tf.Tensor> {
    return (this.#compiledDecode ??= compileGraph(
      (latents: tf.Tensor, height: number, width: number) =>
        this.decodeLatents(latents, height, width),
      { name: 'decodeLatents', xla: false },
    ));
  }

  /** Frees all weights. The pipeline cannot be used afterwards. */
  dispose(): void {
    this.#compiled?.dispose();
    this.#compiledDecode?.dispose();
    this.transformer.dispose();
    this.scheduler.dispose();
  }
}

/** Refuses initial latents that the sampler cannot compute with. */
function checkNoise(latents: tf.Tensor | null | undefined): void {
  if (latents && latents.dtype !== 'float32') {
    throw new Error(
      `Cannot make pictures as latents must be float32: their dtype is ${latents.dtype}`,
    );
  }
}

/** Refuses the times of another schedule: steps go by the scheduler's sigmas. */
function checkSchedule(times: ArrayLike<number>, own: Float32Array): void {
  const given = Array.from(times, Math.fround);
  if (given.length !== own.length || !given.every((time, step) => Object.is(time, own[step]))) {
    throw new Error(
      `Cannot denoise as timesteps must be those of the scheduler, ${own.join(', ')}: current values are ${given.join(', ')}`,
    );
  }
}

/** Refuses a schedule that is no schedule, as a stretched one of a single step: pictures would be NaN. */
function checkTimes(timesteps: Float32Array, compat: RolloutOptions['compat']): void {
  if (compat !== 'verl-omni' && !timesteps.every(Number.isFinite)) {
    throw new Error(
      `Cannot make pictures as the times of the ${timesteps.length} steps must be finite: current values are ${timesteps.join(', ')}`,
    );
  }
}
