import type { DiffusionModelConfigLike } from '../../config';
import type { SavePretrainedOptions } from '../../io/state-dict';
import type { AutoencoderKLQwenImage } from '../../models/qwen-image/autoencoder';
import type { Qwen2_5_VLTextEncoder } from '../../models/qwen-image/text-encoder';
import type { QwenImageTransformer2DModel } from '../../models/qwen-image/transformer';
import { packLatents, unpackLatents } from '../../models/qwen-image/vae-latents';
import type { FlowMatchSDEDiscreteScheduler, SdeWindow } from '../../schedulers';
import { tf, type Generator } from '../../tensorflow';
import type { Qwen2Tokenizer } from '../../tokenizers';
import { checkLengths } from '../diffuse-arguments';
import { loadConfig } from '../load-components';
import { predict } from '../predict';
import type { PromptEmbeddings, RequestEmbeddings } from '../prompt-embeddings';
import { registerReverseProcessPipeline } from '../register-algorithms';
import type { LoadOptions } from '../rollout-options';
import { RolloutPipeline, type DiffuseResult, type PreparedRollout } from '../rollout-pipeline';
import type { RolloutRequest } from '../rollout-request';
import { checkMultiples } from '../rollout-rules';
import type { RolloutDefaults, RolloutSettings } from '../rollout-settings';
import { savePipeline } from '../save-pipeline';
import { shiftFor } from '../shift-for';
import { VAE_SCALE_FACTOR, tokenGrid } from '../token-grid';
import { predictTrueCfg } from '../true-cfg';
import { loadComponents, type QwenImageComponents } from './components';
import { drawLatents } from './draw-latents';
import { embedTokenBatch, tokenizePrompts } from './encode-prompts';
import {
  FORWARD_DEFAULTS,
  OWN_OPTIONS,
  type ForwardOptions,
  type QwenImageDiffuseOptions,
} from './forward-options';
import { guidanceOf } from './model-inputs';
import { requestEmbeddings } from './request-embeddings';
import { linearSigmas } from './schedule';

/**
 * Rollout pipeline of Qwen-Image: makes pictures by the SDE sampler and keeps the latents, their
 * log-probabilities and times that training replays.
 *
 * Registered under `QwenImagePipeline` for `flow_grpo`, `grpo_guard`, `flow_dppo` and `dance_grpo`.
 *
 * @example
 * const pipeline = QwenImagePipelineWithLogProb.fromPretrained({ path: 'datasets/tiny-qwen-image', height: 64, width: 64 });
 * const { output, customOutput } = await pipeline.forward(
 *   { prompts: ['a red circle'], sampling_params: { seed: 1 } },
 *   { numInferenceSteps: 10, sdeWindowSize: 2 },
 * );
 * customOutput.all_latents.shape; // [1, 3, 16, 16]
 */
export class QwenImagePipelineWithLogProb extends RolloutPipeline<ForwardOptions> {
  readonly transformer: QwenImageTransformer2DModel;
  readonly vae: AutoencoderKLQwenImage;
  readonly textEncoder: Qwen2_5_VLTextEncoder;
  readonly tokenizer: Qwen2Tokenizer;
  readonly scheduler: FlowMatchSDEDiscreteScheduler;
  readonly masksPadding = true;
  protected readonly defaults: RolloutDefaults = FORWARD_DEFAULTS;
  protected override readonly ownOptions: readonly string[] | null = OWN_OPTIONS;

  constructor(
    components: QwenImageComponents,
    modelConfig: DiffusionModelConfigLike,
    options: LoadOptions = {},
  ) {
    super(modelConfig, options);
    this.transformer = components.transformer;
    this.vae = components.vae;
    this.textEncoder = components.textEncoder;
    this.tokenizer = components.tokenizer;
    this.scheduler = components.scheduler;
  }

  /**
   * Loads a model directory in diffusers' layout; as the class that it is called on.
   *
   * @param config The directory, or a configuration that names it as `path`.
   * @throws When a part is missing; the message names the file.
   */
  static fromPretrained<Pipeline extends QwenImagePipelineWithLogProb>(
    this: new (...args: ConstructorParameters<typeof QwenImagePipelineWithLogProb>) => Pipeline,
    config: string | DiffusionModelConfigLike,
    options: LoadOptions = {},
  ): Pipeline {
    const { modelConfig, path } = loadConfig(config, options);
    return new this(loadComponents(path, options), modelConfig, options);
  }

  /**
   * Writes the pipeline as diffusers does, so that `QwenImagePipeline.from_pretrained` loads it. Adapters are left out
   * unless they are merged: see `transformer.saveLora`.
   *
   * @param folder The model directory; it is made when it is missing.
   */
  savePretrained(folder: string, options: SavePretrainedOptions = {}): void {
    const components = {
      transformer: this.transformer,
      vae: this.vae,
      text_encoder: this.textEncoder,
      tokenizer: this.tokenizer,
      scheduler: this.scheduler,
    };
    savePipeline(folder, 'QwenImagePipeline', components, options);
  }

  /**
   * Embeds prompts: template, tokenizer, text encoder, and the template's prefix dropped.
   *
   * @param options.maxSequenceLength Tokens of an embedding; the rest is cut off. Default 512.
   * @returns (B, L, D) with its mask (B, L); the caller owns both.
   */
  override encodePrompt(
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
   * @param doTrueCfg Whether to guide, whatever the scale.
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
    options: QwenImageDiffuseOptions = {},
  ): Promise<DiffuseResult> {
    const [B] = latents.shape;
    checkLengths('txtSeqLens', txtSeqLens, B);
    checkLengths('negativeTxtSeqLens', negativeTxtSeqLens, B);
    return this.walk(
      latents,
      timesteps,
      (module, x, timestep) => {
        const shared = {
          hidden_states: x,
          timestep: tf.div(timestep, 1000),
          guidance,
          img_shapes: imgShapes,
          attention_kwargs: options.attentionKwargs ?? null,
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
        return doTrueCfg
          ? predictTrueCfg(module, inputs, negativeInputs, trueCfgScale)
          : predict(module, inputs);
      },
      { prompt_embeds: promptEmbeds, negative_prompt_embeds: negativePromptEmbeds },
      { noiseLevel, window: sdeWindow, sdeType, generator, logprobs },
      options,
    );
  }

  /** True classifier-free guidance. */
  override cfgScale({ trueCfgScale }: { trueCfgScale: number }): number {
    return trueCfgScale;
  }

  protected override embedRequest(
    request: RolloutRequest,
    options: ForwardOptions,
    settings: RolloutSettings,
  ): RequestEmbeddings | null {
    return requestEmbeddings(this, request, options, settings);
  }

  /** verl-omni rounds down, as diffusers does with a warning. */
  protected override checkSize(settings: RolloutSettings, { compat }: ForwardOptions): void {
    checkMultiples(settings, 2 * VAE_SCALE_FACTOR, { roundsDown: compat === 'verl-omni' });
  }

  protected override drawLatents(B: number, settings: RolloutSettings): tf.Tensor {
    const [rows, columns] = tokenGrid(settings.height, settings.width);
    const channels = this.transformer.config.in_channels;
    return drawLatents(settings.generator, [B, channels, rows, columns]);
  }

  protected override setTimesteps(latents: tf.Tensor, { steps, sigmas }: RolloutSettings): void {
    this.scheduler.setTimesteps(steps, {
      sigmas: sigmas ?? linearSigmas(steps),
      mu: shiftFor(latents.shape[1] as number, this.scheduler.config),
    });
  }

  protected override async denoiseRollout(
    { positive, negative, latents, timesteps, window, settings }: PreparedRollout,
    options: ForwardOptions,
  ): Promise<DiffuseResult> {
    const grid = tokenGrid(settings.height, settings.width);
    const guidance = guidanceOf(this.transformer, settings.guidanceScale);
    try {
      return await this.diffuse(
        positive.embeds,
        positive.mask,
        negative?.embeds ?? null,
        negative?.mask ?? null,
        latents,
        Array.from({ length: latents.shape[0] }, () => [[1, ...grid]]),
        null,
        null,
        timesteps,
        negative !== null,
        guidance,
        settings.trueCfgScale,
        settings.noiseLevel,
        window,
        settings.sdeType,
        settings.generator,
        settings.logprobs,
        options,
      );
    } finally {
      guidance?.dispose();
    }
  }

  /**
   * Decodes packed latents (B, S, C) to pictures (B, 3, H, W) from -1 to 1.
   *
   * @param height In pixels.
   * @param width In pixels.
   */
  override decodeLatents(latents: tf.Tensor, height: number, width: number): tf.Tensor4D {
    const [rows, columns] = tokenGrid(height, width);
    return tf.tidy(() => {
      const z = this.vae.denormalizeLatents(unpackLatents(latents, 2 * rows, 2 * columns));
      return tf.squeeze(this.vae.decode(z), [2]) as tf.Tensor4D;
    });
  }

  /** Encodes pictures (B, 3, H, W) from -1 to 1 to packed latents (B, S, C). */
  override encodeImages(pictures: tf.Tensor4D): tf.Tensor {
    return tf.tidy(() => {
      const { mean } = this.vae.encode(tf.expandDims(pictures, 2));
      return packLatents(this.vae.normalizeLatents(mean));
    });
  }

  /** Frees all weights. The pipeline cannot be used afterwards. */
  override dispose(): void {
    super.dispose();
    this.vae.dispose();
    this.textEncoder.dispose();
  }
}

registerReverseProcessPipeline('QwenImagePipeline', QwenImagePipelineWithLogProb);
