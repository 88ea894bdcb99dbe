import type { DiffusionModelConfig } from '../config';
import { cellSignal } from '../core/cell-signal';
import { RandomKey } from '../core/random-key';
import { mean, standardDeviation } from '../core/statistics';
import { PolicyState, buildScheduler } from '../pipelines';
import { scoreRewards } from '../rewards';
import type { tf } from '../tensorflow';
import { AdamW } from './adamw';
import { comparePolicies, type PolicyComparison } from './compare-policies';
import { drawPrompts } from './draw-prompts';
import { evaluatePolicy, type EvaluationOptions, type EvaluationReport } from './evaluate-policy';
import { flowGRPOSettings, type FlowGRPOOptions, type FlowGRPOSettings } from './flow-grpo-options';
import { updatePolicy } from './policy-updates';
import { PromptCache } from './prompt-cache';
import type { PolicyModel } from './replay-step';
import type { RolloutBatch } from './rollout-batch';
import { rolloutGroups } from './rollout-groups';
import { scoreStep } from './score-step';
import type { StepReport } from './step-report';
import type { TrainablePipeline } from './trainable-pipeline';
import { trainingWindow } from './training-window';
import { WeightAverage } from './weight-average';

/** Prompts are padded to a multiple of this many tokens, so that few shapes need compiling. */
const COMPILED_TOKENS = 16;

const now = () => performance.now() / 1000;

/** Mean over groups of `size` of the standard deviation within a group, over what could be rated. */
function spreadWithinGroups(values: readonly number[], size: number): number {
  const groups = Array.from({ length: values.length / size }, (_, group) =>
    values.slice(group * size, (group + 1) * size).filter(Number.isFinite),
  );
  return mean(
    groups.filter((group) => group.length > 0).map((group) => standardDeviation(group, 0)),
  );
}

/** Steps between two evaluations. */
const EVERY_STEPS = 10;

/**
 * FlowGRPO (https://arxiv.org/abs/2505.05470), one step at a time: draw prompts, roll out a group of
 * pictures for each, rate them, compare them within their group, and move the weights towards what
 * rated better.
 *
 * Each part is a public function, so that a notebook can do the same by hand: `drawPrompts`,
 * `rolloutGroups`, `scoreRewards`, `checkConsistency`, `groupAdvantages`, `policyGradients`, `clipGradients`, `AdamW`.
 *
 * Its relatives are settings: `lossMode` for GRPO-Guard, DanceGRPO and Flow-DPPO, `sampleStrategy` for MixGRPO,
 * `klLossCoef` for a reference, `teacher` for distillation, `rolloutCorrection` for rollouts by another stack.
 *
 * @example
 * const trainer = new FlowGRPOTrainer(pipeline, { prompts: ['a red circle'], reward: 'redness' });
 * const { reward } = await trainer.step();
 * trainer.dispose();
 */
export class FlowGRPOTrainer {
  readonly settings: FlowGRPOSettings;
  readonly optimizer: AdamW;
  /** The mean of the weights, when `ema` asks for one. */
  readonly average: WeightAverage | null;
  readonly #pipeline: TrainablePipeline;
  readonly #model: PolicyModel;
  readonly #variables: ReadonlyMap<string, tf.Variable>;
  readonly #reference: PolicyState | null;
  readonly #cache = new PromptCache();
  readonly #key: RandomKey;
  readonly #begin = now();
  #stepsDone = 0;

  /** @throws When a setting breaks its rule. */
  constructor(pipeline: TrainablePipeline, options: FlowGRPOOptions) {
    const sdeType = options.sdeType ?? pipeline.modelConfig.algo.sde_type;
    const settings = flowGRPOSettings({ ...options, sdeType });
    this.settings = settings;
    this.#pipeline = pipeline;
    this.#key = RandomKey.fromSeed(settings.seed);
    const { transformer } = pipeline;
    if (settings.lora !== null) {
      transformer.addLora({ ...settings.lora, key: this.#key.fold('lora') });
    }
    this.#variables = transformer.trainableVariables();
    this.optimizer = new AdamW(this.#variables, {
      lr: settings.learningRate,
      betas: settings.betas,
      weightDecay: settings.weightDecay,
    });
    this.#reference = settings.klLossCoef === 0 ? null : PolicyState.referenceOf(transformer);
    this.average = settings.ema === null ? null : new WeightAverage(this.#variables, settings.ema);
    const { num_inference_steps, true_cfg_scale, guidance_scale } = pipeline.modelConfig.pipeline;
    const modelConfig = pipeline.modelConfig.with({
      pipeline: {
        num_inference_steps: options.numInferenceSteps ?? num_inference_steps,
        true_cfg_scale: options.trueCfgScale ?? true_cfg_scale,
        guidance_scale: options.guidanceScale ?? guidance_scale,
      },
      algo: { noise_level: settings.noiseLevel, sde_type: settings.sdeType },
    });
    this.#model = {
      transformer: settings.compile ? pipeline.compiledTransformer : transformer,
      modelConfig,
      scheduler: buildScheduler(modelConfig),
    };
  }

  /** The pipeline's configuration as it is trained. */
  get modelConfig(): DiffusionModelConfig {
    return this.#model.modelConfig;
  }

  /** Steps done so far. */
  get stepsDone(): number {
    return this.#stepsDone;
  }

  /**
   * Does one step. When it is stopped or fails on the way, the weights are as they were after the last
   * update, and the next call does the same step again.
   *
   * @throws The signal's reason once it is aborted; when samples start outside of the clip range, unless `onMismatch` is
   *   'report'; and when no picture could be rated.
   */
  async step({ signal = cellSignal() }: { signal?: AbortSignal | null } = {}): Promise<StepReport> {
    const { prompts, monitors, groupSize, promptsPerStep, promptWeights } = this.settings;
    const step = this.#stepsDone + 1;
    const key = this.#key.fold('step', step);
    const drawn = drawPrompts(prompts, key.fold('prompts'), {
      count: promptsPerStep,
      weights: promptWeights,
    });
    const started = now();
    const batch = await rolloutGroups(this.#pipeline, drawn, {
      ...this.settings,
      ...this.#rolloutSizes(),
      window: trainingWindow(this.#model.modelConfig, this.settings, step),
      key: key.fold('rollout'),
      promptCache: this.#cache,
      signal,
    });
    try {
      this.#cache.trim();
      const rolledOut = now();
      const scored = await scoreStep(batch, this.settings, signal);
      const others: [string, number][] = [];
      for (const [name, by] of Object.entries(monitors)) {
        others.push([name, mean(await scoreRewards(by, batch.images, batch.prompts, { signal }))]);
      }
      const rated = now();
      const comparison = await this.#compare(batch, step, signal);
      const { metrics, ...update } = await updatePolicy(
        {
          model: this.#model,
          optimizer: this.optimizer,
          average: this.average,
          settings: this.settings,
        },
        { batch, scored, step, key: key.fold('update') },
        signal,
      );
      this.#stepsDone = step;
      const ended = now();
      const { evaluation } = this.settings;
      const isDue = evaluation !== null && step % (evaluation.everySteps ?? EVERY_STEPS) === 0;
      return {
        step,
        seconds: ended - this.#begin,
        reward: mean(scored.rated.map((row) => scored.rewards[row])),
        rewardStd: spreadWithinGroups(scored.rewards, groupSize),
        rewardTerms: scored.terms,
        rewardFailures: scored.failures,
        monitors: Object.fromEntries(others),
        ...update,
        metrics: { ...metrics, ...comparison.metrics },
        consistency: comparison.consistency,
        evaluation: isDue ? await this.evaluate(evaluation, { signal }) : null,
        window: batch.window,
        timings: {
          rolloutSeconds: rolledOut - started,
          rewardSeconds: rated - rolledOut,
          updateSeconds: ended - rated,
        },
        images: batch.images,
        prompts: batch.prompts,
        rewards: scored.rewards,
      };
    } finally {
      batch.dispose();
    }
  }

  /**
   * Makes pictures without noise between the steps and rates them, with the mean of the weights in their place when `ema`
   * keeps one. Training is not touched: not its weights, nor what is drawn next.
   *
   * @param options Default: the trainer's `evaluation`.
   * @throws When there are none.
   * @example
   * const trainer = new FlowGRPOTrainer(pipeline, { prompts: ['a red circle'], reward: 'redness', ema: 0.9 });
   * const { reward, usesAverage } = await trainer.evaluate({ prompts: ['a red square'] });
   * trainer.dispose();
   */
  async evaluate(
    options: EvaluationOptions | null = this.settings.evaluation,
    { signal = cellSignal() }: { signal?: AbortSignal | null } = {},
  ): Promise<EvaluationReport> {
    if (options === null) {
      throw new Error('Cannot evaluate as there must be prompts for it: evaluation is null');
    }
    const run = () =>
      evaluatePolicy(
        this.#pipeline,
        options,
        { ...this.settings, ...this.#rolloutSizes() },
        signal,
      );
    const found = await (this.average === null ? run() : this.average.use(run));
    return { ...found, usesAverage: this.average !== null };
  }

  #rolloutSizes() {
    const { num_inference_steps, true_cfg_scale, guidance_scale } =
      this.#model.modelConfig.pipeline;
    return {
      numInferenceSteps: num_inference_steps,
      trueCfgScale: true_cfg_scale,
      guidanceScale: guidance_scale,
      padTokensTo: this.settings.compile ? COMPILED_TOKENS : 1,
    };
  }

  /** Everything that this step's losses compare the policy with; the first step is checked. */
  async #compare(
    batch: RolloutBatch,
    step: number,
    signal: AbortSignal | null,
  ): Promise<PolicyComparison> {
    const comparison = await comparePolicies(this.#model, batch, {
      ...this.settings,
      reference: this.#reference,
      checks: step === 1,
      signal,
    });
    const { consistency } = comparison;
    if (consistency?.verdict === 'inconsistent' && this.settings.onMismatch === 'stop') {
      throw new Error(
        `Cannot train as the replay of a rollout must give its own log-probabilities, within the clip ratio of ${consistency.clipRatio}: largest |ratio - 1| is ${consistency.worstRatioGap}. ${consistency.words} Set onMismatch to 'report' to train all the same`,
      );
    }
    return comparison;
  }

  /** Frees the optimizer's state, the mean and the copy of the weights, and the embeddings; the model stays. */
  dispose(): void {
    this.optimizer.dispose();
    this.average?.dispose();
    this.#reference?.dispose();
    this.#cache.dispose();
    (this.#model.scheduler as { dispose?: () => void }).dispose?.();
  }
}
