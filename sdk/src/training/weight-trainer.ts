import { setImmediate } from 'node:timers/promises';
import type { DiffusionModelConfig } from '../config';
import { cellSignal } from '../core/cell-signal';
import { freeMemory, watchMemory } from '../core/memory-watch';
import { optionsAmong } from '../core/option-rules';
import { RandomKey } from '../core/random-key';
import { estimatePicture } from '../inspection/estimate-picture';
import type { PolicyState, TrainableModel } from '../pipelines';
import { backendInfo } from '../tensorflow';
import { AdamW } from './adamw';
import { chooseMicroBatch, firstMicroBatch } from './choose-micro-batch';
import { evaluatePolicy, EVALUATION_DEFAULT_RULES, type EvaluationReport } from './evaluate-policy';
import { isEvaluationDue, type EvaluationOptions } from './evaluation-options';
import type { FlowGRPOOptions } from './flow-grpo-options';
import type { FlowGRPOSettings } from './flow-grpo-settings';
import { NotFiniteLog, requireFiniteWeights, whereNotFinite } from './not-finite';
import { prepareAdapter, refuseFoundAdapter, type PreparedAdapter } from './prepare-adapter';
import { PromptCache } from './prompt-cache';
import type { RunOptions } from './run/run-options';
import { requireMemory } from './require-memory';
import { StepSnapshot } from './step-snapshot';
import { setGradientCheckpointing } from './set-gradient-checkpointing';
import type { LoggedReport } from './step-report';
import type { EarlierWeights, TrainerState } from './trainer-state';
import type { TrainablePipeline } from './trainable-pipeline';
import { WeightAverage } from './weight-average';

/** Prompts are padded to a multiple of this many tokens, so that few shapes need compiling. */
const COMPILED_TOKENS = 16;

const now = () => performance.now() / 1000;

/** What every trainer goes by. */
export type WeightTrainerSettings = Pick<
  FlowGRPOSettings,
  | 'reward'
  | 'rewardTimeoutMs'
  | 'steps'
  | 'learningRate'
  | 'betas'
  | 'weightDecay'
  | 'negativePrompt'
  | 'microBatchSize'
  | 'microBatchReason'
  | 'compile'
  | 'gradientCheckpointing'
  | 'lora'
  | 'ema'
  | 'evaluation'
  | 'onNotFinite'
  | 'seed'
>;

/** Options that are read beside the settings. */
export type WeightTrainerOptions = Pick<
  FlowGRPOOptions,
  'numInferenceSteps' | 'trueCfgScale' | 'guidanceScale'
> &
  Pick<RunOptions<unknown>, 'resume'>;

/** Where a run stands. */
export interface TrainerPosition {
  /** Steps done. */
  step: number;
  /** Spent on them. */
  seconds: number;
  /** Pictures that went through the model at once. */
  microBatchSize: number;
  /** What is known of each prompt, where prompts are drawn by it; see `PromptPriority`. */
  promptSpreads?: (number | null)[];
  /** The last steps in a row of whose pictures none could be rated, where there are any. */
  unratedSteps?: number;
}

/**
 * What every trainer has, whatever its objective and wherever its data come from: the model with its adapters, optimizer and
 * mean of the weights; evaluation; and the state by which a run that was stopped goes on.
 */
export abstract class WeightTrainer<
  Settings extends WeightTrainerSettings,
  Pipeline extends TrainablePipeline = TrainablePipeline,
> {
  readonly settings: Settings;
  readonly optimizer: AdamW;
  /** The mean of the weights, when `ema` asks for one. */
  readonly average: WeightAverage | null;
  /** What the model is used by: the pipeline's configuration with what the options say of it. */
  readonly modelConfig: DiffusionModelConfig;
  protected readonly pipeline: Pipeline;
  /** The model that is trained, compiled when the settings say so. */
  protected readonly transformer: TrainableModel;
  protected readonly cache = new PromptCache();
  protected readonly key: RandomKey;
  /** What the step that goes on found not finite. */
  notFinite: NotFiniteLog | null = null;
  #before: StepSnapshot | null = null;
  #begin = now();
  #stepsDone = 0;
  #updatesDone = 0;
  #unevaluated: LoggedReport | null = null;
  #isFirst = true;
  /** Whether the adapter was there before, and no checkpoint's values are in it yet. */
  #hasFoundAdapter: boolean;
  readonly #adapter: PreparedAdapter;
  /** Whether the same training may be begun again in this process, and would find the adapter. */
  readonly #mayResume: boolean;

  /**
   * @param algo How noise is put in; what is left out comes from the pipeline's configuration.
   * @throws When the model's adapters are not what is to be trained: see `prepareAdapter`.
   */
  protected constructor(
    pipeline: Pipeline,
    settings: Settings,
    { numInferenceSteps, trueCfgScale, guidanceScale, resume = false }: WeightTrainerOptions,
    algo: Partial<DiffusionModelConfig['algo']> = {},
  ) {
    this.settings = settings;
    this.pipeline = pipeline;
    this.key = RandomKey.fromSeed(settings.seed);
    const { transformer } = pipeline;
    this.#mayResume = resume !== false;
    this.#adapter = prepareAdapter(transformer, settings.lora, {
      key: this.key.fold('lora'),
      mayResume: this.#mayResume,
    });
    this.#hasFoundAdapter = this.#adapter.isFound;
    try {
      setGradientCheckpointing(transformer, settings.gradientCheckpointing);
      const variables = transformer.trainableVariables();
      const { learningRate: lr, betas, weightDecay } = settings;
      this.optimizer = new AdamW(variables, { lr, betas, weightDecay });
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
    } catch (error) {
      throw this.notBuilt(error);
    }
  }

  /** Takes the new adapter back where a constructor fails, and frees the mean of the weights. @returns The error. */
  protected notBuilt(error: unknown): unknown {
    this.average?.dispose();
    this.#adapter.takeBack();
    return error;
  }

  /** Steps done so far, those of a run that was resumed among them. */
  get stepsDone(): number {
    return this.#stepsDone;
  }

  /** A step that is done, but for its evaluation, which failed or was stopped: the next call of `step` makes that alone. */
  get unevaluated(): LoggedReport | null {
    return this.#unevaluated;
  }

  /** Spent so far, in a run that was resumed also before it stopped. */
  get seconds(): number {
    return now() - this.#begin;
  }

  /**
   * Everything the next step follows from, or null in the middle of one: when a step of several updates was stopped after some
   * of them.
   */
  get state(): TrainerState | null {
    return this.optimizer.updates === this.#updatesDone ? this.parts : null;
  }

  /** The same in the middle of a step, too: what a checkpoint replaces. */
  get parts(): TrainerState {
    const { optimizer, average, policies, earlier } = this;
    return { model: this.pipeline.transformer, optimizer, average, policies, earlier };
  }

  /** Where the run stands, and what is drawn next follows from. */
  get position(): TrainerPosition {
    const { microBatchSize } = this.settings;
    return { step: this.#stepsDone, seconds: this.seconds, microBatchSize };
  }

  /** Goes on from there; the state's tensors hold what they held then. */
  resumeAt({ step, seconds, microBatchSize }: TrainerPosition): void {
    const { settings } = this;
    if (settings.microBatchReason === 'auto') {
      settings.microBatchSize = microBatchSize;
      settings.microBatchReason = 'as it was chosen before the run was resumed';
    }
    this.#stepsDone = step;
    this.#updatesDone = this.optimizer.updates;
    this.#unevaluated = null;
    this.#begin = now() - seconds;
    this.#hasFoundAdapter = false;
  }

  /**
   * Begins with step 1, or goes on with the trainer's own steps.
   *
   * @throws When the adapter was there before: it is another run's, which only a checkpoint could go on with.
   */
  beginHere(): void {
    if (this.#hasFoundAdapter) refuseFoundAdapter();
  }

  /** Other policies that the objective keeps, by name. */
  protected get policies(): Readonly<Record<string, PolicyState>> {
    return {};
  }

  /** Weights of earlier steps that steps to come are rolled out with. */
  protected get earlier(): EarlierWeights | null {
    return null;
  }

  /**
   * Does a step's work, so that what is not finite in it becomes of what `onNotFinite` says.
   *
   * @param pictures That the step has for one micro-batch.
   */
  protected async guarded<Result>(pictures: number, work: () => Promise<Result>): Promise<Result> {
    const step = this.#stepsDone + 1;
    this.notFinite = new NotFiniteLog(this.settings.onNotFinite, step);
    if (this.#isFirst) {
      this.beginHere();
      requireFiniteWeights(this.pipeline.transformer.trainableVariables(), step);
      await setImmediate();
      this.#requireMemory(pictures);
    }
    this.#isFirst = false;
    // In the middle of a step that was stopped, too: back to there.
    this.#before = this.settings.onNotFinite === 'rollback' ? new StepSnapshot(this.parts) : null;
    try {
      return await this.withMicroBatches(pictures, work);
    } finally {
      this.#before?.dispose();
      this.#before = null;
    }
  }

  /** Throws when a micro-batch cannot fit into the free memory, by its shapes and with the shortest prompts. */
  #requireMemory(pictures: number): void {
    const { microBatchSize, microBatchReason } = this.settings;
    if (backendInfo().device !== 'CPU' || microBatchReason !== 'given') return;
    const facts = { microBatchSize: Math.min(microBatchSize, pictures), freeBytes: freeMemory() };
    requireMemory({ ...facts, pictureBytes: this.#estimate(1) });
  }

  /** Looks at the weights after a step's updates, and takes the step back where that is what to do. */
  #settleNotFinite(step: number): void {
    const { notFinite } = this;
    if (notFinite === null) return;
    const where = whereNotFinite(this.pipeline.transformer.trainableVariables());
    if (this.#before === null) {
      if (where === null) return;
      throw new Error(
        `Cannot go on after step ${step - 1} as weights must be finite: step ${step} made ${where} not finite; resume from the last checkpoint with a lower learning rate, or set onNotFinite to 'rollback'`,
      );
    }
    if (where !== null) notFinite.note(`the weight ${where} is not finite`);
    if (notFinite.found.length === 0) return;
    this.#before.restore();
    notFinite.isRolledBack = true;
  }

  /**
   * Does a step's work, the first time with few pictures at once where `microBatchSize` is 'auto', and chooses their number
   * by the memory that it took.
   *
   * @param pictures That the step has for one micro-batch.
   */
  protected async withMicroBatches<Result>(
    pictures: number,
    work: () => Promise<Result>,
  ): Promise<Result> {
    const { settings } = this;
    if (settings.microBatchReason !== 'auto') return work();
    const { device } = backendInfo();
    if (device !== 'CPU') {
      throw new Error(
        `Cannot choose microBatchSize 'auto' as free memory can be read on the CPU only: current device is ${device}; set microBatchSize to a number`,
      );
    }
    const most = this.modelConfig.pipeline.max_sequence_length;
    const measured = firstMicroBatch(this.#estimate(most), freeMemory());
    settings.microBatchSize = measured;
    const freeBytes = freeMemory();
    const peak = watchMemory();
    const result = await work();
    const peakBytes = peak?.() ?? null;
    // Prompts to come may be longer than the first ones.
    const estimatedBytes = this.#estimate(Math.min(most, 2 * this.cache.longest));
    const facts = { measured, peakBytes, estimatedBytes, freeBytes, pictures };
    const { size, reason } = chooseMicroBatch(facts);
    settings.microBatchSize = size;
    settings.microBatchReason = reason;
    process.stderr.write(`${reason}\n`);
    return result;
  }

  /**
   * What a picture is estimated to take, in bytes; null when the model is not known, or runs blocks again instead of keeping
   * what they compute.
   */
  #estimate(textTokens: number): number | null {
    if (this.pipeline.transformer.isGradientCheckpointing) return null;
    const { height, width } = this.modelConfig.pipeline;
    const { config, constructor } = this.pipeline.transformer;
    const { lora } = this.settings;
    const targetModules = lora === null ? null : (lora.targetModules ?? 'all-linear');
    return estimatePicture(constructor.name, config, { height, width, textTokens, targetModules });
  }

  /** Counts a step as done. @returns Since the training began, in seconds. */
  protected endStep(step: number): number {
    this.#settleNotFinite(step);
    this.#stepsDone = step;
    this.#updatesDone = this.optimizer.updates;
    return this.seconds;
  }

  /** Completes a step's report with its evaluation, where one is due; what fails or is stopped there leaves the report to the next call. */
  protected async evaluated<Report extends LoggedReport>(
    report: Report,
    signal: AbortSignal | null,
  ): Promise<Report> {
    this.#unevaluated = report;
    if (isEvaluationDue(this.settings.evaluation, report.step)) {
      report.evaluation = await this.evaluate(undefined, { signal });
    }
    this.#unevaluated = null;
    return report;
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
    const taken = {
      ...optionsAmong(this.settings, EVALUATION_DEFAULT_RULES),
      ...this.rolloutSizes(),
    };
    const run = () => evaluatePolicy(this.pipeline, options, taken, signal);
    const found = await (this.average === null ? run() : this.average.use(run));
    return { ...found, usesAverage: this.average !== null };
  }

  /**
   * Frees what training keeps beside the model, which stays: the optimizer's state, other policies, embeddings. An adapter that it
   * added goes, too, when it was never updated.
   */
  dispose(): void {
    this.optimizer.dispose();
    this.average?.dispose();
    for (const policy of Object.values(this.policies)) policy.dispose();
    this.cache.dispose();
    const isUntouched = this.#stepsDone === 0 && this.optimizer.updates === 0;
    if (this.#mayResume && isUntouched) this.#adapter.takeBack();
  }

  /** By what pictures are made, in training and in evaluations. */
  protected rolloutSizes() {
    const { num_inference_steps, true_cfg_scale, guidance_scale } = this.modelConfig.pipeline;
    return {
      numInferenceSteps: num_inference_steps,
      trueCfgScale: true_cfg_scale,
      guidanceScale: guidance_scale,
      padTokensTo: this.padTokensTo,
    };
  }

  /** What prompts are padded to a multiple of. */
  protected get padTokensTo(): number {
    return this.settings.compile ? COMPILED_TOKENS : 1;
  }
}
