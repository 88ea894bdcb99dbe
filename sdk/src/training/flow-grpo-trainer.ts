import { groupAdvantages } from '../advantages';
import { cellSignal, throwIfAborted } from '../core/cell-signal';
import { RandomKey } from '../core/random-key';
import { buildScheduler } from '../pipelines';
import { scoreRewards } from '../rewards';
import { tf } from '../tensorflow';
import { AdamW } from './adamw';
import { clipGradients } from './clip-gradients';
import { drawPrompts } from './draw-prompts';
import { flowGRPOSettings, type FlowGRPOOptions, type FlowGRPOSettings } from './flow-grpo-options';
import { policyGradients } from './policy-gradients';
import { PromptCache } from './prompt-cache';
import type { PolicyModel } from './replay-step';
import type { RolloutBatch } from './rollout-batch';
import { rolloutGroups } from './rollout-groups';
import type { StepReport } from './step-report';
import type { TrainablePipeline } from './trainable-pipeline';
import { WeightAverage } from './weight-average';

type UpdateReport = Pick<
  StepReport,
  'loss' | 'ratioMean' | 'clipFraction' | 'approxKl' | 'gradNorm' | 'replayGap'
>;

/** Prompts are padded to a multiple of this many tokens, so that few shapes need compiling. */
const COMPILED_TOKENS = 16;

const now = () => performance.now() / 1000;

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Mean over groups of `size` of the standard deviation within a group. */
function spreadWithinGroups(values: readonly number[], size: number): number {
  const groups = Array.from({ length: values.length / size }, (_, group) =>
    values.slice(group * size, (group + 1) * size),
  );
  return mean(
    groups.map((group) => Math.sqrt(mean(group.map((value) => (value - mean(group)) ** 2)))),
  );
}

/**
 * FlowGRPO (https://arxiv.org/abs/2505.05470), one step at a time: draw prompts, roll out a group of
 * pictures for each, rate them, compare them within their group, and move the weights towards what
 * rated better.
 *
 * Each part is a public function, so that a notebook can do the same by hand: `drawPrompts`,
 * `rolloutGroups`, `scoreRewards`, `groupAdvantages`, `policyGradients`, `clipGradients`, `AdamW`.
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

  /** Steps done so far. */
  get stepsDone(): number {
    return this.#stepsDone;
  }

  /**
   * Does one step. When it is stopped or fails on the way, the weights are as they were after the last
   * update, and the next call does the same step again.
   *
   * @throws The signal's reason once it is aborted; and when the replay of the rollout does not give its
   *   own log-probabilities, unless `onMismatch` is 'report'.
   */
  async step({ signal = cellSignal() }: { signal?: AbortSignal | null } = {}): Promise<StepReport> {
    const { prompts, reward, monitors, groupSize, promptsPerStep, promptWeights } = this.settings;
    const step = this.#stepsDone + 1;
    const key = this.#key.fold('step', step);
    const drawn = drawPrompts(prompts, key.fold('prompts'), {
      count: promptsPerStep,
      weights: promptWeights,
    });
    const started = now();
    const { pipeline: size } = this.#model.modelConfig;
    const batch = await rolloutGroups(this.#pipeline, drawn, {
      ...this.settings,
      key: key.fold('rollout'),
      numInferenceSteps: size.num_inference_steps,
      trueCfgScale: size.true_cfg_scale,
      guidanceScale: size.guidance_scale,
      padTokensTo: this.settings.compile ? COMPILED_TOKENS : 1,
      promptCache: this.#cache,
      signal,
    });
    try {
      this.#cache.trim();
      const rolledOut = now();
      const score = (by: typeof reward) =>
        scoreRewards(by, batch.images, batch.prompts, { signal });
      const rewards = await score(reward);
      const others: [string, number][] = [];
      for (const [name, by] of Object.entries(monitors)) {
        others.push([name, mean(await score(by))]);
      }
      const rated = now();
      const update = await this.#update(batch, rewards, step, key.fold('update'), signal);
      this.#stepsDone = step;
      const ended = now();
      return {
        step,
        seconds: ended - this.#begin,
        reward: mean(rewards),
        rewardStd: spreadWithinGroups(rewards, groupSize),
        monitors: Object.fromEntries(others),
        ...update,
        window: batch.window,
        timings: {
          rolloutSeconds: rolledOut - started,
          rewardSeconds: rated - rolledOut,
          updateSeconds: ended - rated,
        },
        images: batch.images,
        prompts: batch.prompts,
        rewards,
      };
    } finally {
      batch.dispose();
    }
  }

  /** Frees the optimizer's state, the mean of the weights and the embeddings; the model stays. */
  dispose(): void {
    this.optimizer.dispose();
    this.average?.dispose();
    this.#cache.dispose();
    (this.#model.scheduler as { dispose?: () => void }).dispose?.();
  }

  async #update(
    batch: RolloutBatch,
    rewards: number[],
    step: number,
    key: RandomKey,
    signal: AbortSignal | null,
  ): Promise<UpdateReport> {
    const { globalStd, ppoEpochs, warmupSteps, learningRate, maxGradNorm } = this.settings;
    const advantages = groupAdvantages(rewards, batch.groups, {
      globalStd,
      width: batch.windowSize,
    });
    this.optimizer.lr = learningRate * Math.min(1, step / Math.max(1, warmupSteps));
    const reports: UpdateReport[] = [];
    try {
      for (let epoch = 0; epoch < ppoEpochs; epoch++) {
        for (const rows of this.#miniBatches(batch.size, key.fold(epoch))) {
          const policy = await policyGradients(this.#model, batch, advantages, {
            ...this.settings,
            rows,
            signal,
          });
          try {
            if (reports.length === 0) this.#checkReplay(policy.ratioGap);
            throwIfAborted(signal);
            const { gradients, norm } = clipGradients(policy.gradients, maxGradNorm);
            try {
              if (Number.isFinite(norm)) {
                this.optimizer.step(gradients);
                this.average?.update();
              }
            } finally {
              tf.dispose([...gradients.values()]);
            }
            const { loss, ratioMean, clipFraction, approxKl, ratioGap } = policy;
            const replayGap = reports[0]?.replayGap ?? ratioGap;
            reports.push({ loss, ratioMean, clipFraction, approxKl, gradNorm: norm, replayGap });
          } finally {
            policy.dispose();
          }
        }
      }
    } finally {
      advantages.dispose();
    }
    const names = Object.keys(reports[0]) as (keyof UpdateReport)[];
    return Object.fromEntries(
      names.map((name) => [name, mean(reports.map((report) => report[name]))]),
    ) as UpdateReport;
  }

  /** Row numbers of each update, shuffled when there is more than one. */
  #miniBatches(count: number, key: RandomKey): number[][] {
    const size = this.settings.miniBatchSize ?? count;
    const rows = Array.from({ length: count }, (_, row) => row);
    if (size >= count) return [rows];
    const shuffled = drawPrompts(rows, key, { count });
    return Array.from({ length: Math.ceil(count / size) }, (_, at) =>
      shuffled.slice(at * size, (at + 1) * size),
    );
  }

  #checkReplay(ratioGap: number): void {
    const { clipRatio, onMismatch } = this.settings;
    if (onMismatch === 'stop' && !(ratioGap <= clipRatio)) {
      throw new Error(
        `Cannot train as the replay of a rollout must give its own log-probabilities, within the clip ratio of ${clipRatio}: largest |ratio - 1| is ${ratioGap}`,
      );
    }
  }
}
