import type { DiffusionModelConfigLike } from '../../config';
import type { SavePretrainedOptions } from '../../io/state-dict';
import type { AutoencoderKL, SD3Transformer2DModel } from '../../models';
import type { FlowMatchSDEDiscreteScheduler, SdeWindow } from '../../schedulers';
import { drawNormal, tf, type Generator } from '../../tensorflow';
import { loadConfig } from '../load-components';
import type { PromptEmbeddings, RequestEmbeddings } from '../prompt-embeddings';
import { registerReverseProcessPipeline } from '../register-algorithms';
import type { DiffuseOptions, LoadOptions } from '../rollout-options';
import { RolloutPipeline, type DiffuseResult, type PreparedRollout } from '../rollout-pipeline';
import type { RolloutRequest } from '../rollout-request';
import type { RolloutDefaults, RolloutSettings } from '../rollout-settings';
import { savePipeline } from '../save-pipeline';
import { predict } from '../predict';
import { checkMultiples } from '../rollout-rules';
import { predictCfg } from '../stable-diffusion-3/guidance';
import type { SD3PromptEncoder } from '../stable-diffusion-3/prompt-encoder';
import { loadComponents, type StableDiffusion3Components } from './components';
import { OWN_OPTIONS, SD3_FORWARD_DEFAULTS, type SD3ForwardOptions } from './forward-options';
import { requestEmbeddings, withMask } from './request-embeddings';
import { shiftForPicture } from './schedule';
import { transformerInputs } from './transformer-inputs';

/**
 * Rollout pipeline of Stable Diffusion 3 and 3.5: makes pictures by the SDE sampler and keeps the
 * latents, their log-probabilities and times that training replays.
 *
 * Registered under `StableDiffusion3Pipeline` for `flow_grpo`, `grpo_guard`, `flow_dppo` and `dance_grpo`.
 *
 * @example
 * const pipeline = StableDiffusion3PipelineWithLogProb.fromPretrained({ path: 'test/golden/models/tiny-sd3', height: 64, width: 64 });
 * const { output, customOutput } = await pipeline.forward(
 *   { prompts: ['a red fox'], sampling_params: { seed: 1 } },
 *   { numInferenceSteps: 10, sdeWindowSize: 2, guidanceScale: 4 },
 * );
 * customOutput.all_latents.shape; // [1, 3, 4, 8, 8]
 */
export class StableDiffusion3PipelineWithLogProb extends RolloutPipeline<SD3ForwardOptions> {
  readonly transformer: SD3Transformer2DModel;
  readonly vae: AutoencoderKL;
  readonly promptEncoder: SD3PromptEncoder;
  readonly scheduler: FlowMatchSDEDiscreteScheduler;
  readonly masksPadding = false;
  protected readonly defaults: RolloutDefaults = SD3_FORWARD_DEFAULTS;
  protected override readonly ownOptions: readonly string[] | null = OWN_OPTIONS;

  constructor(
    components: StableDiffusion3Components,
    modelConfig: DiffusionModelConfigLike,
    options: LoadOptions = {},
  ) {
    super(modelConfig, options);
    this.transformer = components.transformer;
    this.vae = components.vae;
    this.promptEncoder = components.promptEncoder;
    this.scheduler = components.scheduler;
  }

  /**
   * Loads a model directory in diffusers' layout; as the class that it is called on.
   *
   * @param config The directory, or a configuration that names it as `path`.
   * @throws When a part is missing; the message names the file.
   */
  static fromPretrained<Pipeline extends StableDiffusion3PipelineWithLogProb>(
    this: new (
      ...args: ConstructorParameters<typeof StableDiffusion3PipelineWithLogProb>
    ) => Pipeline,
    config: string | DiffusionModelConfigLike,
    options: LoadOptions = {},
  ): Pipeline {
    const { modelConfig, path } = loadConfig(config, options);
    return new this(loadComponents(path, options), modelConfig, options);
  }

  /**
   * Writes the pipeline as diffusers does, so that `StableDiffusion3Pipeline.from_pretrained` loads it. Adapters are left
   * out unless they are merged: see `transformer.saveLora`.
   *
   * @param folder The model directory; it is made when it is missing.
   */
  savePretrained(folder: string, options: SavePretrainedOptions = {}): void {
    const { transformer, vae, scheduler } = this;
    const components = { ...this.promptEncoder.components(), transformer, vae, scheduler };
    savePipeline(folder, 'StableDiffusion3Pipeline', components, options);
  }

  /**
   * Embeds prompts by both CLIP models and T5.
   *
   * @param options.maxSequenceLength Tokens of T5, padding included. Default 256.
   * @returns (B, L, D) with a mask (B, L) of ones and pooled embeddings (B, P); the caller owns them.
   */
  override encodePrompt(
    prompts: string | readonly string[],
    { maxSequenceLength = SD3_FORWARD_DEFAULTS.maxSequenceLength as number } = {},
  ): PromptEmbeddings {
    return withMask(this.promptEncoder.encode([prompts].flat(), { maxSequenceLength }));
  }

  /**
   * Runs the whole denoising loop and collects what happens inside the SDE window.
   *
   * @param promptEmbeds (B, L, D)
   * @param pooledPromptEmbeds (B, P)
   * @param negativePromptEmbeds (B, L', D), or null without guidance.
   * @param negativePooledPromptEmbeds (B, P), or null.
   * @param latents Noise (B, C, H, W); stays the caller's.
   * @param timesteps (N), all of the scheduler's.
   * @param doCfg Whether to guide, whatever the scale.
   * @param guidanceScale Scale of classifier-free guidance.
   * @param noiseLevel eta within the window; outside of it steps are the ODE's.
   * @param sdeWindow First step that gets noise and one past the last; or a pair for each row.
   * @param sdeType 'sde', 'cps', or another transition.
   * @param generator One stream, or one a row; null for the default one.
   * @param logprobs Whether to compute log-probabilities.
   * @returns `[latents (B, C, H, W), allLatents (B, W+1, C, H, W), allLogProbs (B, W) or null, allTimesteps (B, W)]`
   */
  async diffuse(
    promptEmbeds: tf.Tensor,
    pooledPromptEmbeds: tf.Tensor,
    negativePromptEmbeds: tf.Tensor | null,
    negativePooledPromptEmbeds: tf.Tensor | null,
    latents: tf.Tensor,
    timesteps: tf.Tensor | ArrayLike<number>,
    doCfg: boolean,
    guidanceScale: number,
    noiseLevel: number,
    sdeWindow: SdeWindow | readonly SdeWindow[],
    sdeType: string,
    generator: Generator | readonly Generator[] | null,
    logprobs: boolean,
    options: DiffuseOptions = {},
  ): Promise<DiffuseResult> {
    return this.walk(
      latents,
      timesteps,
      (module, x, timestep) => {
        const inputs = transformerInputs(x, timestep, promptEmbeds, pooledPromptEmbeds);
        const negativeInputs =
          negativePromptEmbeds &&
          negativePooledPromptEmbeds &&
          transformerInputs(x, timestep, negativePromptEmbeds, negativePooledPromptEmbeds);
        return doCfg
          ? predictCfg(module, inputs, negativeInputs, guidanceScale)
          : predict(module, inputs);
      },
      { prompt_embeds: promptEmbeds, negative_prompt_embeds: negativePromptEmbeds },
      { noiseLevel, window: sdeWindow, sdeType, generator, logprobs },
      options,
    );
  }

  /** Classifier-free guidance. */
  override cfgScale({ guidanceScale }: { guidanceScale: number }): number {
    return guidanceScale;
  }

  /** Refuses the scale of Qwen-Image's guidance, which would do nothing here. */
  protected override embedRequest(
    request: RolloutRequest,
    options: SD3ForwardOptions,
    settings: RolloutSettings,
  ): RequestEmbeddings | null {
    if (settings.trueCfgScale > 1 && options.compat !== 'verl-omni') {
      throw new Error(
        `Cannot guide Stable Diffusion 3 by true_cfg_scale as its scale is guidance_scale: current value is ${settings.trueCfgScale}`,
      );
    }
    return requestEmbeddings(this.promptEncoder, request, options, settings);
  }

  protected override drawLatents(
    B: number,
    { height, width, generator }: RolloutSettings,
  ): tf.Tensor {
    const side = this.vae.spatialCompressionRatio;
    const { in_channels } = this.transformer.config;
    return drawNormal(generator, [B, in_channels, height / side, width / side]);
  }

  protected override checkSize(settings: RolloutSettings): void {
    checkMultiples(settings, this.vae.spatialCompressionRatio * this.transformer.config.patch_size);
  }

  protected override setTimesteps(
    _latents: tf.Tensor,
    { steps, sigmas, height, width }: RolloutSettings,
  ): void {
    const mu = shiftForPicture(height, width, this.scheduler.config);
    this.scheduler.setTimesteps(steps, { sigmas, mu });
  }

  protected override denoiseRollout(
    { positive, negative, latents, timesteps, window, settings }: PreparedRollout,
    options: SD3ForwardOptions,
  ): Promise<DiffuseResult> {
    return this.diffuse(
      positive.embeds,
      positive.pooled as tf.Tensor2D,
      negative?.embeds ?? null,
      negative?.pooled ?? null,
      latents,
      timesteps,
      negative !== null,
      settings.guidanceScale,
      settings.noiseLevel,
      window,
      settings.sdeType,
      settings.generator,
      settings.logprobs,
      options,
    );
  }

  /** Decodes latents (B, C, h, w) to pictures (B, 3, 8h, 8w), about -1 to 1 and not clamped. */
  override decodeLatents(latents: tf.Tensor): tf.Tensor4D {
    return tf.tidy(() => this.vae.decode(this.vae.denormalizeLatents(latents)));
  }

  /** Encodes pictures (B, 3, H, W) from -1 to 1 to latents (B, C, h, w). */
  override encodeImages(pictures: tf.Tensor4D): tf.Tensor {
    return tf.tidy(() => this.vae.normalizeLatents(this.vae.encode(pictures).mean));
  }

  /** Frees all weights. The pipeline cannot be used afterwards. */
  override dispose(): void {
    super.dispose();
    this.vae.dispose();
    this.promptEncoder.dispose();
  }
}

registerReverseProcessPipeline('StableDiffusion3Pipeline', StableDiffusion3PipelineWithLogProb);
