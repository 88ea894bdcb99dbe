import { cellSignal } from '../../core/cell-signal';
import { PolicyState, buildScheduler, noisePairs, type PairBatch } from '../../pipelines';
import type { FlowMatchSchedule } from '../../schedulers';
import { keyGenerator, tf } from '../../tensorflow';
import { drawPrompts } from '../draw-prompts';
import { trainedRateAt } from '../learning-rate';
import { meanUpdates } from '../mean-updates';
import type { TrainablePipeline } from '../trainable-pipeline';
import { WeightTrainer } from '../weight-trainer';
import {
  offlineDPOSettings,
  type OfflineDPOOptions,
  type OfflineDPOSettings,
  type OfflineDpoStepReport,
} from './dpo-options';
import { layPairs, type PairPipeline } from './preference-pairs';
import { updateFromPairs, type PairLearner } from './update-from-pairs';

/** What offline Diffusion-DPO needs of a pipeline: it encodes pictures, and rolls out in evaluations alone. */
export type OfflinePipeline = PairPipeline & TrainablePipeline;

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
export class OfflineDPOTrainer extends WeightTrainer<OfflineDPOSettings, OfflinePipeline> {
  readonly #learner: PairLearner;
  readonly #scheduler: FlowMatchSchedule;
  readonly #guided: boolean;

  /** @throws When a setting breaks its rule. */
  constructor(pipeline: OfflinePipeline, options: OfflineDPOOptions) {
    super(pipeline, offlineDPOSettings(options), options);
    const { transformer, modelConfig, optimizer, average } = this;
    const { true_cfg_scale: trueCfgScale, guidance_scale } = modelConfig.pipeline;
    this.#guided = pipeline.cfgScale({ trueCfgScale, guidanceScale: guidance_scale ?? 1 }) > 1;
    this.#scheduler = buildScheduler(modelConfig);
    this.#learner = {
      model: { transformer, modelConfig },
      reference: PolicyState.referenceOf(pipeline.transformer),
      optimizer,
      average,
    };
  }

  protected override get policies(): Record<string, PolicyState> {
    return { reference: this.#learner.reference };
  }

  /**
   * Does one step. When it is stopped or fails on the way, the next call does the same step again; after its last update, what is
   * left of it: the evaluation.
   *
   * @throws The signal's reason once it is aborted.
   */
  async step({
    signal = cellSignal(),
  }: { signal?: AbortSignal | null } = {}): Promise<OfflineDpoStepReport> {
    const report =
      (this.unevaluated as OfflineDpoStepReport | null) ??
      (await this.guarded(2 * this.settings.pairsPerStep, () => this.#step(signal)));
    return this.evaluated(report, signal);
  }

  async #step(signal: AbortSignal | null): Promise<OfflineDpoStepReport> {
    const { settings, optimizer } = this;
    const step = this.stepsDone + 1;
    const key = this.key.fold('step', step);
    const drawn = drawPrompts(settings.pairs, key.fold('pairs'), { count: settings.pairsPerStep });
    const clean = await layPairs(this.pipeline, drawn, {
      cache: this.cache,
      negativePrompt: settings.negativePrompt,
      guided: this.#guided,
      padTokensTo: this.padTokensTo,
    });
    const generator = keyGenerator(key.fold('noise'));
    const { height, width } = this.modelConfig.pipeline;
    const noised = noisePairs(clean.latents_clean, this.#scheduler, { generator });
    const pairs: PairBatch = { ...clean, ...noised, height, width };
    try {
      optimizer.lr = trainedRateAt(step, settings);
      const updates = await updateFromPairs(
        { ...this.#learner, notFinite: this.notFinite },
        pairs,
        settings,
        signal,
      );
      this.cache.trim();
      const seconds = this.endStep(step);
      return {
        step,
        seconds,
        ...meanUpdates(updates, optimizer.lr),
        ...this.notFinite?.report,
        pairs: drawn.length,
        evaluation: null,
      };
    } finally {
      tf.dispose(Object.values(pairs).filter((value) => value instanceof tf.Tensor));
    }
  }

  /** Frees what training keeps beside the model, which stays. */
  override dispose(): void {
    super.dispose();
    this.#scheduler.dispose();
  }
}
