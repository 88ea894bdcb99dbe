import { PolicyState, buildScheduler } from '../../pipelines';
import type { FlowMatchSchedule } from '../../schedulers';
import { keyGenerator, tf } from '../../tensorflow';
import { withoutNoise } from '../diffusion-nft/nft-trainer';
import { trainedRateAt } from '../learning-rate';
import { meanUpdates } from '../mean-updates';
import { pairsFromRollout } from './pairs-from-rollout';
import type { RolloutGroupsOptions } from '../rollout-groups';
import { RolloutTrainer, type RatedRollout } from '../rollout-trainer';
import type { UpdateReport } from '../step-report';
import type { TrainablePipeline } from '../trainable-pipeline';
import { onlineDPOSettings, type OnlineDPOOptions, type OnlineDPOSettings } from './dpo-options';
import { updateFromPairs } from './update-from-pairs';

/**
 * Online Diffusion-DPO (https://arxiv.org/abs/2311.12908), one step at a time: rolls out by the ODE, pairs the best with the
 * worst picture of each prompt, and learns to tell them apart better than the reference does.
 *
 * @example
 * const pipeline = await loadPipeline('datasets/tiny-qwen-image', { algorithm: 'dpo', height: 64, width: 64 });
 * const trainer = new OnlineDPOTrainer(pipeline, { prompts: ['a red circle'], reward: 'redness', groupSize: 4 });
 * const { metrics } = await trainer.step();
 * trainer.dispose();
 */
export class OnlineDPOTrainer extends RolloutTrainer<
  OnlineDPOSettings,
  UpdateReport & { pairs: number }
> {
  readonly #reference: PolicyState;
  readonly #scheduler: FlowMatchSchedule;

  /** @throws When a setting breaks its rule. */
  constructor(pipeline: TrainablePipeline, options: OnlineDPOOptions) {
    super(pipeline, onlineDPOSettings(options), options);
    this.#reference = PolicyState.referenceOf(pipeline.transformer);
    this.#scheduler = buildScheduler(this.modelConfig);
  }

  protected override get policies(): Record<string, PolicyState> {
    return { reference: this.#reference };
  }

  protected override rolloutOptions(): Partial<RolloutGroupsOptions> {
    return withoutNoise(this.modelConfig.pipeline.num_inference_steps);
  }

  protected override async learn(
    { batch, scored, step, key }: RatedRollout,
    signal: AbortSignal | null,
  ): Promise<UpdateReport & { pairs: number }> {
    const { settings, optimizer, average, transformer, modelConfig } = this;
    optimizer.lr = trainedRateAt(step, settings);
    const pairs = pairsFromRollout(batch, scored.rewards, this.#scheduler, {
      generator: keyGenerator(key.fold('noise')),
      ties: settings.compat === 'verl-omni' ? 'keep' : 'skip',
    });
    if (pairs === null) return { ...meanUpdates([], optimizer.lr), pairs: 0 };
    try {
      const model = { transformer, modelConfig };
      const learner = {
        model,
        reference: this.#reference,
        optimizer,
        average,
        notFinite: this.notFinite,
      };
      const updates = await updateFromPairs(learner, pairs, settings, signal);
      return {
        ...meanUpdates(updates, optimizer.lr),
        pairs: pairs.latents_clean.shape[0] / 2,
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
