import { DiffusionModelConfig, type DiffusionModelConfigLike } from '../../config';
import { cellSignal } from '../../core/cell-signal';
import type { PixelImage } from '../../core/pixel-image';
import type { AutoencoderKLQwenImage } from '../../models/qwen-image/autoencoder';
import type { Qwen2_5_VLTextEncoder } from '../../models/qwen-image/text-encoder';
import type { QwenImageTransformer2DModel } from '../../models/qwen-image/transformer';
import { unpackLatents } from '../../models/qwen-image/vae-latents';
import type { FlowMatchSDEDiscreteScheduler } from '../../schedulers';
import {
  checkDevice,
  compile as compileGraph,
  keyGenerator,
  tf,
  type Generator,
} from '../../tensorflow';
import type { Qwen2Tokenizer } from '../../tokenizers';
import { CompiledModel } from '../compiled-model';
import { denoise, type Trajectory } from '../denoise';
import { repeatRows, type PromptEmbeddings } from '../prompt-embeddings';
import type { RolloutRequest, RolloutTensors } from '../rollout-request';
import { drawSdeWindow, type SdeWindow } from '../sde-window';
import { predictVelocity } from '../true-cfg';
import { VllmOmniPipelineBase } from '../vllm-omni-pipeline-base';
import { embedTokenBatch, tokenizePrompts } from './encode-prompts';
import { FORWARD_DEFAULTS, resolveSettings, type ForwardOptions } from './forward-options';
import { checkLengths, pickTensors } from './diffuse-arguments';
import { loadComponents, type QwenImageComponents } from './components';
import { drawLatents } from './draw-latents';
import { TOKEN_SIDE, finish } from './finish';
import { requestEmbeddings } from './request-embeddings';
import { linearSigmas, shiftFor, tokenGrid } from './schedule';
import { guidanceOf } from './training-adapter';

/** What a rollout returns: verl-omni's `DiffusionOutput`. */
export interface DiffusionOutput {
  /** Pictures, or a tensor for 'latent' and 'pt'; null for a request without prompts. */
  output: PixelImage[] | tf.Tensor | null;
  /** The tensors that training needs; empty for a request without prompts. The caller owns them. */
  customOutput: RolloutTensors;
}

/** What the denoising loop of `diffuse` may be given besides its arguments. */
export type DiffuseOptions = Pick<
  ForwardOptions,
  'signal' | 'compile' | 'attentionKwargs' | 'callbackOnStepEnd' | 'callbackOnStepEndTensorInputs'
>;

/** How a pipeline is loaded. */
export interface LoadOptions {
  /** 'cpu' or 'cuda'; checked against what this process has. */
  device?: string | null;
  /** Seed of the pipeline's own stream of random numbers, for calls that bring none. Default 0. */
  seed?: number;
}

/**
 * Rollout pipeline of Qwen-Image: makes pictures by the SDE sampler and keeps the latents, their
 * log-probabilities and times that training replays.
 *
 * Registered under (`QwenImagePipeline`, `flow_grpo`).
 *
 * @example
 * const pipeline = QwenImagePipelineWithLogProb.fromPretrained({ path: 'datasets/tiny-qwen-image', height: 64, width: 64 });
 * const { output, customOutput } = await pipeline.forward(
 *   { prompts: ['a red circle'], sampling_params: { seed: 1 } },
 *   { numInferenceSteps: 10, sdeWindowSize: 2 },
 * );
 * customOutput.all_latents.shape; // [1, 3, 16, 16]
 */
export class QwenImagePipelineWithLogProb {
  readonly transformer: QwenImageTransformer2DModel;
  readonly vae: AutoencoderKLQwenImage;
  readonly textEncoder: Qwen2_5_VLTextEncoder;
  readonly tokenizer: Qwen2Tokenizer;
  readonly scheduler: FlowMatchSDEDiscreteScheduler;
  readonly modelConfig: DiffusionModelConfig;
  readonly #generator: Generator;
  #compiled: CompiledModel | null = null;
  /** XLA gains nothing on these convolutions and takes long to compile them. */
  readonly #compiledDecode = compileGraph(
    (latents: tf.Tensor, height: number, width: number) =>
      this.decodeLatents(latents, height, width),
    { name: 'decodeLatents', xla: false },
  );

  constructor(
    components: QwenImageComponents,
    modelConfig: DiffusionModelConfigLike,
    { device, seed = 0 }: LoadOptions = {},
  ) {
    checkDevice(device);
    this.transformer = components.transformer;
    this.vae = components.vae;
    this.textEncoder = components.textEncoder;
    this.tokenizer = components.tokenizer;
    this.scheduler = components.scheduler;
    this.modelConfig = DiffusionModelConfig.from(modelConfig);
    this.#generator = keyGenerator(seed);
  }

  /**
   * Loads a model directory in diffusers' layout.
   *
   * @param config The directory, or a configuration that names it as `path`.
   * @throws When a part is missing; the message names the file.
   */
  static fromPretrained(
    config: string | DiffusionModelConfigLike,
    options: LoadOptions = {},
  ): QwenImagePipelineWithLogProb {
    const modelConfig = DiffusionModelConfig.from(
      typeof config === 'string' ? { path: config } : config,
    );
    if (modelConfig.path === null) {
      throw new Error(
        'Cannot load a pipeline as the configuration must name a model directory: current path is null',
      );
    }
    checkDevice(options.device);
    const components = loadComponents(modelConfig.path);
    return new this(components, modelConfig, options);
  }

  /**
   * Embeds prompts: template, tokenizer, text encoder, and the template's prefix dropped.
   *
   * @param options.maxSequenceLength Tokens of an embedding; the rest is cut off. Default 512.
   * @returns (B, L, D) with its mask (B, L); the caller owns both.
   */
  encodePrompt(
    prompts: string | readonly string[],
    { maxSequenceLength = FORWARD_DEFAULTS.maxSequenceLength as number } = {},
  ): PromptEmbeddings {
    const tokens = tokenizePrompts(this.tokenizer, [prompts].flat());
    return embedTokenBatch(this.textEncoder, tokens, maxSequenceLength);
  }

  /**
   * Runs the whole denoising loop and collects what happens inside the SDE window.
   *
   * @param promptEmbeds (B, L, D)
   * @param promptEmbedsMask (B, L)
   * @param negativePromptEmbeds (B, L', D), or null without guidance.
   * @param negativePromptEmbedsMask (B, L'), or null.
   * @param latents Packed noise (B, S, C); stays the caller's.
   * @param imgShapes For each row, [frames, token rows, token columns] of its picture.
   * @param txtSeqLens Tokens of each prompt; the transformer reads the mask instead. May be null.
   * @param negativeTxtSeqLens The same for the negative prompts. May be null.
   * @param timesteps (N), all of the scheduler's.
   * @param doTrueCfg Whether to guide.
   * @param guidance Distilled guidance (1), or null.
   * @param trueCfgScale Scale of true classifier-free guidance.
   * @param noiseLevel eta within the window; outside of it steps are the ODE's.
   * @param sdeWindow First step that gets noise and one past the last; or a pair for each row.
   * @param sdeType 'sde', 'cps', or another transition.
   * @param generator One stream, or one a row; null for the default one.
   * @param logprobs Whether to compute log-probabilities.
   * @returns `[latents (B, S, C), allLatents (B, W+1, S, C), allLogProbs (B, W) or null, allTimesteps (B, W)]`
   */
  async diffuse(
    promptEmbeds: tf.Tensor,
    promptEmbedsMask: tf.Tensor | null,
    negativePromptEmbeds: tf.Tensor | null,
    negativePromptEmbedsMask: tf.Tensor | null,
    latents: tf.Tensor,
    imgShapes: number[][][],
    txtSeqLens: readonly number[] | null,
    negativeTxtSeqLens: readonly number[] | null,
    timesteps: tf.Tensor | ArrayLike<number>,
    doTrueCfg: boolean,
    guidance: tf.Tensor | null,
    trueCfgScale: number,
    noiseLevel: number,
    sdeWindow: SdeWindow | readonly SdeWindow[],
    sdeType: string,
    generator: Generator | readonly Generator[] | null,
    logprobs: boolean,
    options: DiffuseOptions = {},
  ): Promise<
    [Trajectory['latents'], Trajectory['allLatents'], Trajectory['allLogProbs'], tf.Tensor2D]
  > {
    const [B] = latents.shape;
    checkLengths('txtSeqLens', txtSeqLens, B);
    checkLengths('negativeTxtSeqLens', negativeTxtSeqLens, B);
    const {
      signal = cellSignal(),
      compile = false,
      attentionKwargs = null,
      callbackOnStepEnd = null,
      callbackOnStepEndTensorInputs = FORWARD_DEFAULTS.callbackOnStepEndTensorInputs,
    } = options;
    const module = compile ? this.compiledTransformer : this.transformer;
    const times = timesteps instanceof tf.Tensor ? await timesteps.data<'float32'>() : timesteps;
    const trajectory = await denoise(latents as tf.Tensor3D, {
      scheduler: this.scheduler,
      timesteps: times,
      velocity: (x, timestep) => {
        const shared = {
          hidden_states: x,
          timestep: tf.div(timestep, 1000),
          guidance,
          img_shapes: imgShapes,
          attention_kwargs: attentionKwargs,
          return_dict: false,
        };
        const inputs = {
          ...shared,
          encoder_hidden_states: promptEmbeds,
          encoder_hidden_states_mask: promptEmbedsMask,
        };
        const negativeInputs = {
          ...shared,
          encoder_hidden_states: negativePromptEmbeds,
          encoder_hidden_states_mask: negativePromptEmbedsMask,
        };
        const scale = doTrueCfg ? trueCfgScale : 1;
        return predictVelocity(module, inputs, negativeInputs, scale);
      },
      noiseLevel,
      window: sdeWindow,
      sdeType,
      generator,
      logprobs,
      signal,
      onStep:
        callbackOnStepEnd &&
        ((step, x) => {
          const seen: Record<string, tf.Tensor | null> = {
            latents: x,
            prompt_embeds: promptEmbeds,
            negative_prompt_embeds: negativePromptEmbeds,
          };
          const tensors = pickTensors(seen, callbackOnStepEndTensorInputs);
          return callbackOnStepEnd({ step, timestep: times[step], tensors });
        }),
    });
    const { allLatents, allLogProbs, allTimesteps } = trajectory;
    return [trajectory.latents, allLatents, allLogProbs, allTimesteps];
  }

  /**
   * Makes pictures and collects what training needs: embeds the prompts, draws noise and window, runs
   * `diffuse`, and decodes.
   *
   * What the request says in `sampling_params` goes before `options`. Without prompts, ids or
   * embeddings the output is empty. The same seed gives a row the same noise in any batch.
   *
   * @param req Prompts and sampling parameters.
   * @throws When sizes or windows do not fit, or the signal is aborted.
   */
  async forward(req: RolloutRequest, options: ForwardOptions = {}): Promise<DiffusionOutput> {
    const settings = resolveSettings(req, options, {
      height: this.modelConfig.pipeline.height,
      width: this.modelConfig.pipeline.width,
      generator: this.#generator,
    });
    const { steps, trueCfgScale, generator, imagesPerPrompt } = settings;
    const given = requestEmbeddings(this, req, options, settings);
    if (given === null) return { output: null, customOutput: {} as RolloutTensors };

    const owned: tf.Tensor[] = [];
    const own = <X extends tf.Tensor | null>(tensor: X): X => {
      if (tensor !== null) owned.push(tensor);
      return tensor;
    };
    const released: tf.Tensor[] = [];
    try {
      const repeat = (x: tf.Tensor | null) => {
        if (x === null) return null;
        const repeated = own(repeatRows(x, imagesPerPrompt));
        x.dispose();
        return repeated;
      };
      const promptEmbeds = repeat(given.positive.embeds) as tf.Tensor3D;
      const promptMask = repeat(given.positive.mask) as tf.Tensor2D;
      const negativeEmbeds = repeat(given.negative?.embeds ?? null) as tf.Tensor3D | null;
      const negativeMask = repeat(given.negative?.mask ?? null) as tf.Tensor2D | null;
      const B = promptEmbeds.shape[0];
      const [rows, columns] = tokenGrid(settings.height, settings.width);
      const noise = own(
        options.latents?.clone() ??
          drawLatents(generator, [B, this.transformer.config.in_channels, rows, columns]),
      );
      this.scheduler.setTimesteps(steps, {
        sigmas: settings.sigmas ?? linearSigmas(steps),
        mu: shiftFor(noise.shape[1] as number, this.scheduler.config),
      });
      const timesteps = this.scheduler.timestepValues.slice();
      const window = drawSdeWindow(
        { size: settings.windowSize, range: settings.windowRange, steps },
        generator,
        options.compat ?? null,
      );
      const guidance = own(guidanceOf(this.transformer, settings.guidanceScale));
      const [latents, allLatents, allLogProbs, allTimesteps] = await this.diffuse(
        promptEmbeds,
        promptMask,
        negativeEmbeds,
        negativeMask,
        noise,
        Array.from({ length: B }, () => [[1, rows, columns]]),
        null,
        null,
        timesteps,
        negativeEmbeds !== null,
        guidance,
        trueCfgScale,
        settings.noiseLevel,
        window,
        settings.sdeType,
        generator,
        settings.logprobs,
        options,
      );
      own(latents);
      const customOutput: RolloutTensors = {
        all_latents: own(allLatents),
        all_log_probs: own(allLogProbs),
        all_timesteps: own(allTimesteps),
        prompt_embeds: promptEmbeds,
        prompt_embeds_mask: promptMask,
        negative_prompt_embeds: negativeEmbeds,
        negative_prompt_embeds_mask: negativeMask,
      };
      const size = [rows * TOKEN_SIDE, columns * TOKEN_SIDE] as const;
      const decode = options.compile ? this.#compiledDecode : this.decodeLatents.bind(this);
      const output = await finish(latents, settings.outputType, () => decode(latents, ...size));
      const kept = [output, ...Object.values(customOutput)];
      released.push(...kept.filter((item): item is tf.Tensor => item instanceof tf.Tensor));
      return { output, customOutput };
    } finally {
      tf.dispose(owned.filter((tensor) => !released.includes(tensor)));
    }
  }

  /**
   * Decodes packed latents (B, S, C) to pictures (B, 3, H, W) from -1 to 1.
   *
   * @param height In pixels.
   * @param width In pixels.
   */
  decodeLatents(latents: tf.Tensor, height: number, width: number): tf.Tensor4D {
    const [rows, columns] = tokenGrid(height, width);
    return tf.tidy(() => {
      const z = this.vae.denormalizeLatents(unpackLatents(latents, 2 * rows, 2 * columns));
      return tf.squeeze(this.vae.decode(z), [2]) as tf.Tensor4D;
    });
  }

  /** The transformer as one compiled graph: same weights, same predictions to float32 noise. */
  get compiledTransformer(): CompiledModel {
    return (this.#compiled ??= new CompiledModel(this.transformer));
  }

  /** Frees all weights. The pipeline cannot be used afterwards. */
  dispose(): void {
    this.#compiled?.dispose();
    this.#compiledDecode.dispose();
    this.transformer.dispose();
    this.vae.dispose();
    this.textEncoder.dispose();
    this.scheduler.dispose();
  }
}

VllmOmniPipelineBase.register('QwenImagePipeline', {
  algorithm: 'flow_grpo',
  path: '@flowbook/sdk#QwenImagePipelineWithLogProb',
})(QwenImagePipelineWithLogProb);
