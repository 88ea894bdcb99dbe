import { buildScheduler, PolicyState } from '../pipelines';
import { requireAgreement } from './require-agreement';
import { checkStaleness } from './check-rollout-workers';
import { comparePolicies, type PolicyComparison } from './compare-policies';
import type { FlowGRPOOptions } from './flow-grpo-options';
import { flowGRPOSettings, type FlowGRPOSettings } from './flow-grpo-settings';
import { updatePolicy } from './policy-updates';
import type { PolicyModel } from './replay-step';
import type { RolloutGroupsOptions } from './rollout-groups';
import { RolloutTrainer, type RatedRollout } from './rollout-trainer';
import type { PolicyReport } from './step-report';
import type { TrainablePipeline } from './trainable-pipeline';
import { trainingWindow } from './training-window';

/**
 * FlowGRPO (https://arxiv.org/abs/2505.05470), one step at a time: draw prompts, roll out a group of
 * pictures for each, rate them, compare them within their group, and move the weights towards what
 * rated better.
 *
 * Each part is a public function, so that a notebook can do the same by hand: `drawPrompts`,
 * `rolloutGroups`, `scoreRewards`, `checkConsistency`, `groupAdvantages`, `policyGradients`, `clipGradients`, `AdamW`.
 *
 * Its relatives are settings: `lossMode` for GRPO-Guard, DanceGRPO and Flow-DPPO, which a pipeline of that `algorithm` has by
 * itself, `sampleStrategy` for MixGRPO,
 * `klLossCoef` for a reference, `teacher` for distillation, `rolloutCorrection` for rollouts by another stack.
 *
 * @example
 * const trainer = new FlowGRPOTrainer(pipeline, { prompts: ['a red circle'], reward: 'redness' });
 * const { reward } = await trainer.step();
 * trainer.dispose();
 */
export class FlowGRPOTrainer extends RolloutTrainer<FlowGRPOSettings, PolicyReport> {
  readonly #model: PolicyModel;
  readonly #reference: PolicyState | null;

  /** @throws When a setting breaks its rule. */
  constructor(pipeline: TrainablePipeline, options: FlowGRPOOptions) {
    const { algorithm, algo } = pipeline.modelConfig;
    const settings = flowGRPOSettings(options, { algorithm, sdeType: algo.sde_type });
    checkStaleness(settings);
    const { noiseLevel: noise_level, sdeType: sde_type } = settings;
    super(pipeline, settings, options, { noise_level, sde_type });
    this.#reference =
      settings.klLossCoef === 0 ? null : PolicyState.referenceOf(pipeline.transformer);
    const { transformer, modelConfig } = this;
    this.#model = { transformer, modelConfig, scheduler: buildScheduler(modelConfig) };
  }

  protected override get policies(): Record<string, PolicyState> {
    return this.#reference === null ? {} : { reference: this.#reference };
  }

  protected override rolloutOptions(step: number): Partial<RolloutGroupsOptions> {
    return { window: trainingWindow(this.modelConfig, this.settings, step) };
  }

  protected override async learn(
    rated: RatedRollout,
    signal: AbortSignal | null,
  ): Promise<PolicyReport> {
    const comparison = await this.#compare(rated, signal);
    const updater = {
      optimizer: this.optimizer,
      average: this.average,
      model: this.#model,
      settings: this.settings,
      notFinite: this.notFinite,
    };
    const { metrics, ...update } = await updatePolicy(updater, rated, signal);
    return {
      ...update,
      metrics: { ...metrics, ...comparison.metrics },
      consistency: comparison.consistency,
      window: rated.batch.window,
    };
  }

  /** Everything that this step's losses compare the policy with; the first step is checked, and each one of other programs. */
  async #compare(
    { batch, step, scored }: RatedRollout,
    signal: AbortSignal | null,
  ): Promise<PolicyComparison> {
    const { rolloutWorkers, maxStaleness, onMismatch } = this.settings;
    const mostGap = rolloutWorkers?.mostGap ?? null;
    const comparison = await comparePolicies(this.#model, batch, {
      ...this.settings,
      reference: this.#reference,
      isForeign: mostGap !== null,
      // Weights of an earlier step make a gap of their own.
      checks: step === 1 || (mostGap !== null && maxStaleness === 0),
      rows: scored.rated,
      signal,
    });
    if (comparison.consistency !== null && onMismatch === 'stop') {
      requireAgreement(comparison.consistency, mostGap);
    }
    return comparison;
  }

  /** Frees what training keeps beside the model, which stays. */
  override dispose(): void {
    super.dispose();
    (this.#model.scheduler as { dispose?: () => void }).dispose?.();
  }
}
