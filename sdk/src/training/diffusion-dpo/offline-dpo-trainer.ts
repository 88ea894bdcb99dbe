import type { DiffusionModelConfig } from '../../config';
import { cellSignal } from '../../core/cell-signal';
import { RandomKey } from '../../core/random-key';
import { PolicyState, buildScheduler, noisePairs, type PairBatch } from '../../pipelines';
import type { FlowMatchSchedule } from '../../schedulers';
import { keyGenerator, tf } from '../../tensorflow';
import { AdamW } from '../adamw';
import { drawPrompts } from '../draw-prompts';
import { learningRateAt } from '../learning-rate';
import { meanUpdates } from '../mean-updates';
import { PromptCache } from '../prompt-cache';
import type { TrainablePipeline } from '../trainable-pipeline';
import { WeightAverage } from '../weight-average';
import {
  offlineDPOSettings,
  type OfflineDPOOptions,
  type OfflineDPOSettings,
  type OfflineDpoStepReport,
} from './dpo-options';
import { layPairs, type PairPipeline } from './preference-pairs';
import { updateFromPairs, type PairLearner } from './update-from-pairs';

/** What offline Diffusion-DPO needs of a pipeline: it rolls nothing out. */
export type OfflinePipeline = PairPipeline &
  Pick<TrainablePipeline, 'transformer' | 'compiledTransformer'>;

/** Prompts are padded to a multiple of this many tokens, so that few shapes need compiling. */
const COMPILED_TOKENS = 16;

const now = () => performance.now() / 1000;

/**
 * Offline Diffusion-DPO (https://arxiv.org/abs/2311.12908), one step at a time: draws pairs of pictures, noises both of a
 * pair alike, and learns to tell them apart better than the reference does.
 *
 * @example
 * const pipeline = await loadPipeline('datasets/tiny-qwen-image', { algorithm: 'dpo', height: 64, width: 64 });
 * const [chosen, rejected] = [0, 1].map((seed) => keyGenerator(seed).randn([16, 16]));
 * const trainer = new OfflineDPOTrainer(pipeline, { pairs: [{ prompt: 'a red circle', chosen, rejected }] });
 * const { loss } = await trainer.step();
 * trainer.dispose();
 */
export class OfflineDPOTrainer {
  readonly settings: OfflineDPOSettings;
  readonly modelConfig: DiffusionModelConfig;
  readonly optimizer: AdamW;
  /** The mean of the weights, when `ema` asks for one. */
  readonly average: WeightAverage | null;
  readonly #pipeline: OfflinePipeline;
  readonly #learner: PairLearner;
  readonly #scheduler: FlowMatchSchedule;
  readonly #guided: boolean;
  readonly #cache = new PromptCache();
  readonly #key: RandomKey;
  readonly #begin = now();
  #stepsDone = 0;

  /** @throws When a setting breaks its rule. */
  constructor(pipeline: OfflinePipeline, options: OfflineDPOOptions) {
    const settings = offlineDPOSettings(options);
    this.settings = settings;
    this.#pipeline = pipeline;
    this.#key = RandomKey.fromSeed(settings.seed);
    const { transformer } = pipeline;
    if (settings.lora !== null) {
      transformer.addLora({ ...settings.lora, key: this.#key.fold('lora') });
    }
    const variables = transformer.trainableVariables();
    const { learningRate: lr, betas, weightDecay } = settings;
    this.optimizer = new AdamW(variables, { lr, betas, weightDecay });
    this.average = settings.ema === null ? null : new WeightAverage(variables, settings.ema);
    const { true_cfg_scale, guidance_scale } = pipeline.modelConfig.pipeline;
    this.modelConfig = pipeline.modelConfig.with({
      pipeline: {
        true_cfg_scale: options.trueCfgScale ?? true_cfg_scale,
        guidance_scale: options.guidanceScale ?? guidance_scale,
      },
    });
    const scales = this.modelConfig.pipeline;
    this.#guided =
      pipeline.cfgScale({
        trueCfgScale: scales.true_cfg_scale,
        guidanceScale: scales.guidance_scale ?? 1,
      }) > 1;
    this.#scheduler = buildScheduler(this.modelConfig) as FlowMatchSchedule;
    this.#learner = {
      model: {
        transformer: settings.compile ? pipeline.compiledTransformer : transformer,
        modelConfig: this.modelConfig,
      },
      reference: PolicyState.referenceOf(transformer),
      optimizer: this.optimizer,
      average: this.average,
    };
  }

  /** Steps done so far. */
  get stepsDone(): number {
    return this.#stepsDone;
  }

  /**
   * Does one step. When it is stopped or fails on the way, the next call does the same step again.
   *
   * @throws The signal's reason once it is aborted.
   */
  async step({
    signal = cellSignal(),
  }: { signal?: AbortSignal | null } = {}): Promise<OfflineDpoStepReport> {
    const { settings, optimizer } = this;
    const step = this.#stepsDone + 1;
    const key = this.#key.fold('step', step);
    const drawn = drawPrompts(settings.pairs, key.fold('pairs'), { count: settings.pairsPerStep });
    const clean = layPairs(this.#pipeline, drawn, {
      cache: this.#cache,
      negativePrompt: settings.negativePrompt,
      guided: this.#guided,
      padTokensTo: settings.compile ? COMPILED_TOKENS : 1,
    });
    const generator = keyGenerator(key.fold('noise'));
    const { height, width } = this.modelConfig.pipeline;
    const noised = noisePairs(clean.latents_clean, this.#scheduler, { generator });
    const pairs: PairBatch = { ...clean, ...noised, height, width };
    try {
      optimizer.lr = learningRateAt(step, { ...settings, totalSteps: settings.steps });
      const updates = await updateFromPairs(this.#learner, pairs, settings, signal);
      this.#cache.trim();
      this.#stepsDone = step;
      const report = meanUpdates(updates, optimizer.lr);
      return { step, seconds: now() - this.#begin, ...report, pairs: drawn.length };
    } finally {
      tf.dispose(Object.values(pairs).filter((value) => value instanceof tf.Tensor));
    }
  }

  /** Frees what training keeps beside the model, which stays. */
  dispose(): void {
    this.optimizer.dispose();
    this.average?.dispose();
    this.#learner.reference.dispose();
    this.#cache.dispose();
    this.#scheduler.dispose();
  }
}
