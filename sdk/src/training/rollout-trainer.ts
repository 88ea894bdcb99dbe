import type { DiffusionModelConfig } from '../config';
import { cellSignal } from '../core/cell-signal';
import { RandomKey } from '../core/random-key';
import { mean, standardDeviation } from '../core/statistics';
import type { TrainableModel } from '../pipelines';
import { scoreRewards } from '../rewards';
import { AdamW } from './adamw';
import { drawPrompts } from './draw-prompts';
import { evaluatePolicy, type EvaluationOptions, type EvaluationReport } from './evaluate-policy';
import type { FlowGRPOOptions, FlowGRPOSettings } from './flow-grpo-options';
import { PromptCache } from './prompt-cache';
import type { RolloutBatch } from './rollout-batch';
import { rolloutGroups, type RolloutGroupsOptions } from './rollout-groups';
import { scoreStep, type StepRewards } from './score-step';
import type { RolloutReport } from './step-report';
import type { TrainablePipeline } from './trainable-pipeline';
import { WeightAverage } from './weight-average';

/** Prompts are padded to a multiple of this many tokens, so that few shapes need compiling. */
const COMPILED_TOKENS = 16;

/** Steps between two evaluations. */
const EVERY_STEPS = 10;

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

/** A step's rollout, rated. */
export interface RatedRollout {
  batch: RolloutBatch;
  scored: StepRewards;
  /** From 1. */
  step: number;
  /** What everything random in the step's updates follows from. */
  key: RandomKey;
}

/** What every trainer that rolls out goes by, whatever its objective. */
export type RolloutTrainerSettings = Pick<
  FlowGRPOSettings,
  | 'prompts'
  | 'reward'
  | 'rewardNormalization'
  | 'onRewardFailure'
  | 'monitors'
  | 'steps'
  | 'promptsPerStep'
  | 'groupSize'
  | 'promptWeights'
  | 'learningRate'
  | 'betas'
  | 'weightDecay'
  | 'negativePrompt'
  | 'microBatchSize'
  | 'compile'
  | 'lora'
  | 'ema'
  | 'evaluation'
  | 'seed'
>;

/** What an objective reports beyond what every rollout does. */
type ReportOf<Update> = RolloutReport & Update;

/**
 * Training on own rollouts, one step at a time: draw prompts, roll out a group of pictures for each, rate them, and learn.
 * An objective adds how it rolls out (`rolloutOptions`) and how it learns (`learn`).
 */
export abstract class RolloutTrainer<Settings extends RolloutTrainerSettings, Update> {
  readonly settings: Settings;
  readonly optimizer: AdamW;
  /** The mean of the weights, when `ema` asks for one. */
  readonly average: WeightAverage | null;
  /** What the model is used by: the pipeline's configuration with what the options say of it. */
  readonly modelConfig: DiffusionModelConfig;
  protected readonly pipeline: TrainablePipeline;
  /** The model that is trained, compiled when the settings say so. */
  protected readonly transformer: TrainableModel;
  readonly #cache = new PromptCache();
  readonly #key: RandomKey;
  readonly #begin = now();
  #stepsDone = 0;

  /** @param algo How noise is put in; what is left out comes from the pipeline's configuration. */
  protected constructor(
    pipeline: TrainablePipeline,
    settings: Settings,
    {
      numInferenceSteps,
      trueCfgScale,
      guidanceScale,
    }: Pick<FlowGRPOOptions, 'numInferenceSteps' | 'trueCfgScale' | 'guidanceScale'>,
    algo: Partial<DiffusionModelConfig['algo']> = {},
  ) {
    this.settings = settings;
    this.pipeline = pipeline;
    this.#key = RandomKey.fromSeed(settings.seed);
    const { transformer } = pipeline;
    if (settings.lora !== null) {
      transformer.addLora({ ...settings.lora, key: this.#key.fold('lora') });
    }
    const variables = transformer.trainableVariables();
    this.optimizer = new AdamW(variables, {
      lr: settings.learningRate,
      betas: settings.betas,
      weightDecay: settings.weightDecay,
    });
    this.average = settings.ema === null ? null : new WeightAverage(variables, settings.ema);
    const { num_inference_steps, true_cfg_scale, guidance_scale } = pipeline.modelConfig.pipeline;
    this.modelConfig = pipeline.modelConfig.with({
      pipeline: {
        num_inference_steps: numInferenceSteps ?? num_inference_steps,
        true_cfg_scale: trueCfgScale ?? true_cfg_scale,
        guidance_scale: guidanceScale ?? guidance_scale,
      },
      algo,
    });
    this.transformer = settings.compile ? pipeline.compiledTransformer : transformer;
  }

  /** Steps done so far. */
  get stepsDone(): number {
    return this.#stepsDone;
  }

  /** How a step's pictures are made, beyond what the settings say. */
  protected abstract rolloutOptions(step: number): Partial<RolloutGroupsOptions>;

  /** Updates the weights from a rated rollout. */
  protected abstract learn(rated: RatedRollout, signal: AbortSignal | null): Promise<Update>;

  /** Runs the rollout, with another policy in the place of the trained one where the objective has one. */
  protected rollOut(work: () => Promise<RolloutBatch>): Promise<RolloutBatch> {
    return work();
  }

  /**
   * Does one step. When it is stopped or fails on the way, the weights are as they were after the last
   * update, and the next call does the same step again.
   *
   * @throws The signal's reason once it is aborted; and when no picture could be rated, or the objective refuses the
   *   rollout.
   */
  async step({ signal = cellSignal() }: { signal?: AbortSignal | null } = {}): Promise<
    ReportOf<Update>
  > {
    const { prompts, monitors, groupSize, promptsPerStep, promptWeights } = this.settings;
    const step = this.#stepsDone + 1;
    const key = this.#key.fold('step', step);
    const drawn = drawPrompts(prompts, key.fold('prompts'), {
      count: promptsPerStep,
      weights: promptWeights,
    });
    const started = now();
    const batch = await this.rollOut(() =>
      rolloutGroups(this.pipeline, drawn, {
        ...this.settings,
        ...this.#rolloutSizes(),
        ...this.rolloutOptions(step),
        key: key.fold('rollout'),
        promptCache: this.#cache,
        signal,
      }),
    );
    try {
      this.#cache.trim();
      const rolledOut = now();
      const scored = await scoreStep(batch, this.settings, signal);
      const others: [string, number][] = [];
      for (const [name, by] of Object.entries(monitors)) {
        others.push([name, mean(await scoreRewards(by, batch.images, batch.prompts, { signal }))]);
      }
      const rated = now();
      const update = await this.learn({ batch, scored, step, key: key.fold('update') }, signal);
      this.#stepsDone = step;
      const ended = now();
      const { evaluation, everySteps = EVERY_STEPS } = {
        evaluation: this.settings.evaluation,
        ...this.settings.evaluation,
      };
      const isDue = evaluation !== null && step % everySteps === 0;
      return {
        step,
        seconds: ended - this.#begin,
        reward: mean(scored.rated.map((row) => scored.rewards[row])),
        rewardStd: spreadWithinGroups(scored.rewards, groupSize),
        rewardTerms: scored.terms,
        rewardFailures: scored.failures,
        monitors: Object.fromEntries(others),
        ...update,
        evaluation: isDue ? await this.evaluate(evaluation, { signal }) : null,
        timings: {
          rolloutSeconds: rolledOut - started,
          rewardSeconds: rated - rolledOut,
          updateSeconds: ended - rated,
        },
        images: batch.images,
        prompts: batch.prompts,
        rewards: scored.rewards,
      } as ReportOf<Update>;
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
      evaluatePolicy(this.pipeline, options, { ...this.settings, ...this.#rolloutSizes() }, signal);
    const found = await (this.average === null ? run() : this.average.use(run));
    return { ...found, usesAverage: this.average !== null };
  }

  /** Frees the optimizer's state, the mean of the weights and the embeddings; the model stays. */
  dispose(): void {
    this.optimizer.dispose();
    this.average?.dispose();
    this.#cache.dispose();
  }

  #rolloutSizes() {
    const { num_inference_steps, true_cfg_scale, guidance_scale } = this.modelConfig.pipeline;
    return {
      numInferenceSteps: num_inference_steps,
      trueCfgScale: true_cfg_scale,
      guidanceScale: guidance_scale,
      padTokensTo: this.settings.compile ? COMPILED_TOKENS : 1,
    };
  }
}
