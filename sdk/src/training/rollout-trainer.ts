import type { DiffusionModelConfig } from '../config';
import { cellSignal } from '../core/cell-signal';
import { optionsAmong } from '../core/option-rules';
import { orAborted } from '../core/or-aborted';
import type { RandomKey } from '../core/random-key';
import { mean, standardDeviation } from '../core/statistics';
import { addRewardMetrics, takeRewardMetrics } from '../rewards/take-reward-metrics';
import { drawPrompts } from './draw-prompts';
import type { FlowGRPOSettings } from './flow-grpo-settings';
import { Monitors } from './monitors';
import { pictureDiversity } from './picture-diversity';
import { PromptPriority } from './prompt-priority';
import type { RolloutBatch } from './rollout-batch';
import { rolloutGroups, ROLLOUT_GROUPS_RULES, type RolloutGroupsOptions } from './rollout-groups';
import { requireRated, requireRewards, StepScorer, type StepRewards } from './score-step';
import { rowsAreFinite } from './not-finite';
import { RolloutsAhead, type StepRollout } from './rollouts-ahead';
import type { RolloutPlace, RolloutWorkers } from './rollout-workers';
import type { RolloutReport, UpdateReport } from './step-report';
import type { TrainablePipeline } from './trainable-pipeline';
import type { EarlierWeights } from './trainer-state';
import {
  WeightTrainer,
  type TrainerPosition,
  type WeightTrainerOptions,
  type WeightTrainerSettings,
} from './weight-trainer';
import { copyOf, withWeights } from './weights-in-place';

/** Steps in a row of whose pictures none could be rated, with which a run ends. */
const MOST_UNRATED_STEPS = 5;

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
export type RolloutTrainerSettings = WeightTrainerSettings &
  Pick<
    FlowGRPOSettings,
    | 'prompts'
    | 'rewardNormalization'
    | 'onRewardFailure'
    | 'monitors'
    | 'promptsPerStep'
    | 'groupSize'
    | 'promptWeights'
    | 'promptPriority'
    | 'rolloutWorkers'
    | 'maxStaleness'
  >;

/** What an objective reports beyond what every rollout does. */
type ReportOf<Update> = RolloutReport & UpdateReport & Update;

/**
 * Training on own rollouts, one step at a time: draw prompts, roll out a group of pictures for each, rate them, and learn.
 * An objective adds how it rolls out (`rolloutOptions`) and how it learns (`learn`).
 */
export abstract class RolloutTrainer<
  Settings extends RolloutTrainerSettings,
  Update,
> extends WeightTrainer<Settings> {
  readonly #monitors: Monitors;
  readonly #priority: PromptPriority | null;
  readonly #ahead: RolloutsAhead | null;
  /** Whether the reward has rated a picture. */
  #hasRated = false;
  /** Steps in a row of whose pictures none could be rated. */
  #unratedSteps = 0;
  /** Until what was published last is there, or could not be. */
  #publishing: Promise<unknown> = Promise.resolve();

  /** @param algo How noise is put in; what is left out comes from the pipeline's configuration. */
  protected constructor(
    pipeline: TrainablePipeline,
    settings: Settings,
    options: WeightTrainerOptions,
    algo: Partial<DiffusionModelConfig['algo']> = {},
  ) {
    requireRewards(settings.reward);
    super(pipeline, settings, options, algo);
    const { prompts, promptPriority } = settings;
    try {
      this.#monitors = new Monitors(settings.monitors);
      this.#priority =
        promptPriority === null ? null : new PromptPriority(prompts.length, promptPriority);
    } catch (error) {
      throw this.notBuilt(error);
    }
    const { rolloutWorkers: workers, maxStaleness } = settings;
    this.#ahead =
      workers &&
      new RolloutsAhead(maxStaleness, {
        copy: () => this.asRolledOut(async () => copyOf(pipeline.transformer.trainableVariables())),
        publish: (version, weights, signal) =>
          this.asRolledOut(() =>
            withWeights(pipeline.transformer, weights, () =>
              this.#publish(workers, version, signal),
            ),
          ),
        start: (step, version, { signal, onAsked }) =>
          this.#rollOut(step, signal, { workers, version, onAsked }),
      });
  }

  protected override get earlier(): EarlierWeights | null {
    return this.settings.maxStaleness > 0 ? this.#ahead : null;
  }

  override get position(): TrainerPosition {
    const known = this.#priority?.state;
    return {
      ...super.position,
      ...(known === undefined ? {} : { promptSpreads: known }),
      ...(this.#unratedSteps === 0 ? {} : { unratedSteps: this.#unratedSteps }),
    };
  }

  override resumeAt(position: TrainerPosition): void {
    super.resumeAt(position);
    // Other weights' rollouts; with earlier weights, those of the checkpoint have taken their place.
    if (this.earlier === null) this.#ahead?.load(new Map());
    if (position.promptSpreads !== undefined) this.#priority?.restore(position.promptSpreads);
    // A first step that cannot be rated ends its run.
    this.#hasRated = position.step > 0;
    this.#unratedSteps = position.unratedSteps ?? 0;
  }

  /** Has workers keep the present weights. One that was stopped may still be under way, and must not come after the next. */
  async #publish(
    workers: RolloutWorkers,
    version: number,
    signal: AbortSignal | null,
  ): Promise<void> {
    await orAborted(this.#publishing, signal);
    const published = workers.publish(version, this.pipeline.transformer);
    this.#publishing = published.catch(() => {});
    await orAborted(published, signal);
  }

  /** How a step's pictures are made, beyond what the settings say. */
  protected abstract rolloutOptions(step: number): Partial<RolloutGroupsOptions>;

  /** Updates the weights from a rated rollout. */
  protected abstract learn(rated: RatedRollout, signal: AbortSignal | null): Promise<Update>;

  /** Runs `work` with the policy that rolls out in the place of the trained one, where the objective has another. */
  protected asRolledOut<Result>(work: () => Promise<Result>): Promise<Result> {
    return work();
  }

  /**
   * Does one step. When it is stopped or fails on the way, the weights are as they were after the last
   * update, and the next call does the same step again; after its last update, what is left of it: the evaluation.
   *
   * @param options.lastStep No rollout is begun ahead beyond it, and a step beyond it has the present weights' rollout. Default: the settings'
   *   `steps`.
   * @throws The signal's reason once it is aborted; and when rewards fail as `onNotFinite` does not bear, or the objective refuses
   *   the rollout.
   */
  async step({
    signal = cellSignal(),
    lastStep = this.settings.steps,
  }: { signal?: AbortSignal | null; lastStep?: number } = {}): Promise<ReportOf<Update>> {
    const { groupSize, promptsPerStep } = this.settings;
    const report =
      (this.unevaluated as ReportOf<Update> | null) ??
      (await this.guarded(groupSize * promptsPerStep, () => this.#step(signal, lastStep)));
    try {
      return await this.evaluated(report, signal);
    } finally {
      // An evaluation asks the same rewards.
      report.rewardMetrics = addRewardMetrics(report.rewardMetrics, this.takeRewardMetrics());
    }
  }

  async #step(signal: AbortSignal | null, lastStep: number): Promise<ReportOf<Update>> {
    const { prompts, groupSize, rolloutWorkers } = this.settings;
    const scoring = { signal, timeoutMs: this.settings.rewardTimeoutMs };
    const step = this.stepsDone + 1;
    const started = now();
    const { batch, drawn, version, ...rollout } = await (this.#ahead === null
      ? this.asRolledOut(() => this.#rollOut(step, signal))
      : this.#ahead.take(step, lastStep, signal));
    try {
      this.#settleUnrated(rollout.scored);
      const scored = this.#withFinite(batch, rollout.scored, step);
      this.cache.trim();
      const rolledOut = now();
      const watched = await this.#monitors.rate(batch, scoring);
      const rated = now();
      const update = await this.learn(
        { batch, scored, step, key: this.#keyOf(step).fold('update') },
        signal,
      );
      const seconds = this.endStep(step);
      drawn.forEach((prompt, group) => {
        const rewards = scored.rewards.slice(group * groupSize, (group + 1) * groupSize);
        this.#priority?.learn(prompts.indexOf(prompt), rewards);
      });
      const updateSeconds = now() - rated;
      const report = {
        step,
        seconds,
        reward: mean(scored.rated.map((row) => scored.rewards[row])),
        rewardStd: spreadWithinGroups(scored.rewards, groupSize),
        diversity: pictureDiversity(batch.images, batch.groups),
        rewardTerms: scored.terms,
        rewardFailures: scored.failures,
        monitors: watched,
        ...update,
        workers: rolloutWorkers && { staleness: step - version, ...rolloutWorkers.takeReport() },
        ...this.notFinite?.report,
        evaluation: null,
        rewardMetrics: {},
        timings: {
          rolloutSeconds: rolledOut - started,
          rewardSeconds: rated - rolledOut,
          updateSeconds,
        },
        images: batch.images,
        prompts: batch.prompts,
        rewards: scored.rewards,
      };
      return report as unknown as ReportOf<Update>;
    } finally {
      batch.dispose();
    }
  }

  /** What rewards and monitors say of themselves since they were asked last; a step asks them at its end. */
  takeRewardMetrics(): Record<string, number> {
    return takeRewardMetrics(this.settings.reward, this.settings.monitors);
  }

  /** Notes what a reward could not rate. One that never rated anything ends the run at once: it may be misspelt, or not there. */
  #settleUnrated(scored: StepRewards): void {
    const { reward, onNotFinite, onRewardFailure } = this.settings;
    const { notFinite } = this;
    const { failures, answered, rewards, reasons } = scored;
    const all = rewards.length;
    const became = onRewardFailure === 'zero' ? 'counted as 0' : 'left out';
    if (answered > 0) {
      this.#hasRated = true;
      this.#unratedSteps = 0;
      if (failures === 0) return;
      if (typeof reward !== 'object') {
        notFinite?.note(`the reward failed on ${failures} of ${all} pictures: ${reasons}`, became);
      } else {
        // Each of several may fail on its own, whatever `onNotFinite` says.
        notFinite?.tell(`${failures} of the ratings of ${all} pictures failed: ${reasons}`, became);
      }
      return;
    }
    this.#unratedSteps += 1;
    if (onNotFinite === 'stop' || !this.#hasRated) requireRated(scored);
    if (this.#unratedSteps === MOST_UNRATED_STEPS) {
      throw new Error(
        `Cannot go on as pictures must be rated: rewards failed on all ${all} of a step, ${MOST_UNRATED_STEPS} steps in a row: ${reasons}`,
      );
    }
    notFinite?.note(`rewards failed on all ${all} pictures: ${reasons}`, became);
  }

  /** What everything random of a step follows from. */
  #keyOf(step: number): RandomKey {
    return this.key.fold('step', step);
  }

  async #rollOut(
    step: number,
    signal: AbortSignal | null,
    elsewhere: RolloutPlace | null = null,
  ): Promise<StepRollout> {
    const { prompts, promptsPerStep, promptWeights, groupSize } = this.settings;
    const scorer = new StepScorer(this.settings, groupSize, signal);
    const key = this.#keyOf(step);
    const drawn = drawPrompts(prompts, key.fold('prompts'), {
      count: promptsPerStep,
      weights: this.#priority?.weights(promptWeights) ?? promptWeights,
    });
    const batch = await rolloutGroups(this.pipeline, drawn, {
      ...optionsAmong(this.settings, ROLLOUT_GROUPS_RULES),
      ...this.rolloutSizes(),
      ...this.rolloutOptions(step),
      key: key.fold('rollout'),
      promptCache: this.cache,
      elsewhere,
      onPictures: (images, records) => scorer.rate(images, records),
      signal,
    });
    try {
      const scored = scorer.finish(batch.groups);
      return { batch, scored, drawn, version: elsewhere?.version ?? step };
    } catch (error) {
      batch.dispose();
      throw error;
    }
  }

  /** Frees what training keeps beside the model, which stays. */
  override dispose(): void {
    this.#ahead?.dispose();
    super.dispose();
  }

  /** A step's rewards without the pictures whose log-probabilities, or latents where these are learned from, are not finite. */
  #withFinite(batch: RolloutBatch, scored: StepRewards, step: number): StepRewards {
    const { notFinite } = this;
    // Without noise a step has no density: what is learned from is what it ends with.
    const hasNoise = this.rolloutOptions(step).noiseLevel !== 0;
    const { all_log_probs: logProbs, latents_clean: latents } = batch.tensors;
    const learned = hasNoise ? logProbs : latents;
    const [name, are] = hasNoise ? ['log-probability', 'is'] : ['latents', 'are'];
    if (!learned || notFinite === null) return scored;
    const isFinite = rowsAreFinite(learned);
    const broken = batch.prompts.flatMap((_, row) => (isFinite[row] ? [] : [row]));
    if (broken.length === 0) return scored;
    for (const row of broken) {
      const sample = row - batch.groups.indexOf(batch.groups[row]);
      const { prompt } = batch.prompts[row];
      notFinite.note(`the ${name} of sample ${sample} of "${prompt}" ${are} not finite`);
    }
    notFinite.skippedSamples += broken.length;
    const rated = scored.rated.filter((row) => !broken.includes(row));
    if (rated.length === 0 && scored.rated.length > 0) {
      throw new Error(
        `Cannot train on pictures as one at least must have finite ${hasNoise ? 'log-probabilities' : 'latents'}: none of ${batch.size} has, at step ${notFinite.step}`,
      );
    }
    const rewards = scored.rewards.map((reward, row) => (broken.includes(row) ? NaN : reward));
    return { ...scored, rewards, rated };
  }
}
