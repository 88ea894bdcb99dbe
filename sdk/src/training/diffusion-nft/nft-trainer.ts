import { advantageEstimators, rewardProbability } from '../../advantages';
import { throwIfAborted } from '../../core/cell-signal';
import { optionsAmong } from '../../core/option-rules';
import { PolicyState } from '../../pipelines';
import { tf } from '../../tensorflow';
import { applyGradients } from '../apply-gradients';
import { trainedRateAt } from '../learning-rate';
import { meanUpdates, type UpdateLine } from '../mean-updates';
import { miniBatches } from '../mini-batches';
import type { RolloutBatch } from '../rollout-batch';
import type { RolloutGroupsOptions } from '../rollout-groups';
import { RolloutTrainer, type RatedRollout } from '../rollout-trainer';
import type { UpdateReport } from '../step-report';
import type { TrainablePipeline } from '../trainable-pipeline';
import { nftGradients, NFT_GRADIENT_RULES, type NftBatch, type NftModel } from './nft-gradients';
import {
  diffusionNFTSettings,
  type DiffusionNFTOptions,
  type DiffusionNFTSettings,
  type NftStepReport,
} from './nft-options';
import { oldPolicyDecay } from './old-policy-decay';
import { selectTimesteps } from './select-timesteps';

/** The adapter that holds the old policy. */
const OLD = 'old';

/** What a step's updates report. */
type NftReport = UpdateReport & Pick<NftStepReport, 'oldPolicyDecay'>;

/**
 * DiffusionNFT (https://arxiv.org/abs/2509.16117), one step at a time: the old policy rolls out by the ODE; pictures become
 * good or bad with the probability that their reward says; the trained policy is pulled towards the good ones and pushed
 * off the bad ones on noised data; and the old policy follows it.
 *
 * Each part is a public function: `rolloutGroups`, `groupAdvantages`, `rewardProbability`, `selectTimesteps`,
 * `nftGradients`, `oldPolicyDecay`, `PolicyState`.
 *
 * @example
 * const pipeline = await loadPipeline('datasets/tiny-qwen-image', { algorithm: 'diffusion_nft', height: 64, width: 64 });
 * const trainer = new DiffusionNFTTrainer(pipeline, { prompts: ['a red circle'], reward: 'redness', groupSize: 4 });
 * const { reward } = await trainer.step();
 * trainer.dispose();
 */
export class DiffusionNFTTrainer extends RolloutTrainer<DiffusionNFTSettings, NftReport> {
  /** The policy that rolls out. */
  readonly old: PolicyState;
  readonly #model: NftModel;

  /** @throws When a setting breaks its rule, or the model has an adapter `old`. */
  constructor(pipeline: TrainablePipeline, options: DiffusionNFTOptions) {
    const settings = diffusionNFTSettings(options);
    PolicyState.requireFree(pipeline.transformer, OLD);
    super(pipeline, settings, options);
    try {
      this.old = PolicyState.copyOf(pipeline.transformer, OLD);
    } catch (error) {
      throw this.notBuilt(error);
    }
    this.#model = {
      transformer: this.transformer,
      modelConfig: this.modelConfig,
      old: this.old,
      reference: settings.refKlCoef === 0 ? null : PolicyState.referenceOf(pipeline.transformer),
    };
  }

  protected override get policies(): Record<string, PolicyState> {
    const { reference } = this.#model;
    return { old: this.old, ...(reference && { reference }) };
  }

  protected override asRolledOut<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.old.use(work);
  }

  protected override rolloutOptions(): Partial<RolloutGroupsOptions> {
    return withoutNoise(this.modelConfig.pipeline.num_inference_steps);
  }

  protected override async learn(
    { batch, scored, step, key }: RatedRollout,
    signal: AbortSignal | null,
  ): Promise<NftReport> {
    const { settings, optimizer } = this;
    optimizer.lr = trainedRateAt(step, settings);
    const nftBatch = (rows: readonly number[]) => {
      const { all_latents, all_timesteps, ...taken } = batch.rows(rows);
      tf.dispose([all_latents, all_timesteps]);
      return taken;
    };
    const probabilities = this.#probabilities(batch, scored);
    const times = selectTimesteps(timesOf(batch), settings.dataLoaderSeed ?? key.fold('times'), {
      fraction: settings.timestepFraction,
      compat: settings.compat,
    });
    const dealt = miniBatches(scored.rated, {
      size: settings.miniBatchSize,
      epochs: settings.ppoEpochs,
      shuffle: settings.shuffle,
      order: settings.dataLoaderSeed ?? key.fold('order'),
    });
    const updates: UpdateLine[] = [];
    try {
      for (const [update, rows] of dealt.entries()) {
        const taken = nftBatch(rows);
        const index = tf.tensor1d(rows, 'int32');
        taken.train_timesteps?.dispose();
        const micro = {
          ...taken,
          train_timesteps: tf.gather(times, index),
          reward_prob: tf.gather(probabilities, index),
        } as NftBatch;
        try {
          const options = {
            ...optionsAmong(settings, NFT_GRADIENT_RULES),
            key: key.fold('noise', update),
            signal,
          };
          const part = await nftGradients(this.#model, micro, options);
          try {
            throwIfAborted(signal);
            const norm = await applyGradients(this, part.gradients, settings.maxGradNorm);
            updates.push({ loss: part.loss, metrics: part.metrics, norm });
          } finally {
            part.dispose();
          }
        } finally {
          index.dispose();
          tf.dispose(Object.values(micro).filter((value) => value instanceof tf.Tensor));
        }
      }
    } finally {
      tf.dispose([probabilities, times]);
    }
    return { ...meanUpdates(updates, optimizer.lr), oldPolicyDecay: this.#moveOldPolicy(step) };
  }

  /** (B); 0.5 for pictures that could not be rated, which no update takes. */
  #probabilities(batch: RolloutBatch, { rewards, rated }: RatedRollout['scored']): tf.Tensor1D {
    const { advEstimator, advClipMax, advMode: mode, ...settings } = this.settings;
    const { globalStd, normAdvByStdInGrpo, compat } = settings;
    const estimate = advantageEstimators.get(advEstimator ?? 'flow_grpo');
    if (rated.length === 0) return tf.fill([batch.size], 0.5);
    return tf.tidy(() => {
      const advantages = estimate(
        rated.map((row) => rewards[row]),
        rated.map((row) => batch.groups[row]),
        { globalStd, normAdvByStdInGrpo, compat },
      );
      const p = rewardProbability(advantages, { advClipMax, mode }).dataSync();
      const all = new Float32Array(batch.size).fill(0.5);
      rated.forEach((row, at) => (all[row] = p[at]));
      return tf.tensor1d(all);
    });
  }

  #moveOldPolicy(step: number): number | null {
    const { oldPolicySchedule, oldPolicyUpdateInterval } = this.settings;
    if (step % oldPolicyUpdateInterval !== 0) return null;
    const decay = oldPolicyDecay(step, oldPolicySchedule);
    if (decay === 0) this.old.copy();
    else this.old.average(decay);
    return decay;
  }
}

/** A rollout by the ODE, whose pictures differ by their initial noise alone: of its trajectory the last step is kept. */
export function withoutNoise(steps: number): Partial<RolloutGroupsOptions> {
  return { noiseLevel: 0, sameInitialNoise: false, window: [steps - 1, steps] };
}

function timesOf({ tensors }: RolloutBatch): tf.Tensor2D {
  if (!tensors.train_timesteps || !tensors.latents_clean) {
    throw new Error(
      'Cannot train by DiffusionNFT as the rollout must keep its clean latents and times: load the pipeline with algorithm "diffusion_nft"',
    );
  }
  return tensors.train_timesteps;
}
