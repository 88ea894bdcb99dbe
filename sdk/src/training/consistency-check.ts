import { drawOrDescribe, jupyterDisplay, type MimeBundle } from '../core/jupyter-display';
import { checkOptions, number, type Rules } from '../core/option-rules';
import { mean, share } from '../core/statistics';
import { REPLAY_RULES, replayPolicy, type ReplayOptions } from './replay-policy';
import type { ReplayModel } from './replay-step';
import type { RolloutBatch } from './rollout-batch';
import { STEP_DEFAULTS } from './step-defaults';

/** Gap between neighbouring float32 numbers around 1. */
const FLOAT32_EPSILON = 2 ** -23;

/** Rounding steps of a log-probability that two ways of computing it may lie apart. */
const ROUNDINGS = 8;

/** Something about a run's settings that is not wrong, but will not work well. */
export interface ConsistencyWarning {
  /** 'clip-below-noise': rounding alone moves ratios out of the clip range. */
  name: 'clip-below-noise';
  message: string;
}

/**
 * How well a trainer's log-probabilities of a rollout agree with those that the rollout recorded. Before the first update
 * they must be equal to rounding: a gap means that the two take different steps (another schedule, timestep, guidance or
 * noise level), and training would start outside of its clip range.
 *
 * @example
 * new ConsistencyReport([-1.5, -2], [-1.5, -2], 1e-4).verdict; // 'consistent'
 */
export class ConsistencyReport {
  /** Log-probabilities compared, B W. */
  readonly count: number;
  /** Mean |logProb - rolloutLogProb|. */
  readonly meanGap: number;
  /** Largest |logProb - rolloutLogProb|. */
  readonly worstGap: number;
  /** Mean of exp(logProb - rolloutLogProb). */
  readonly ratioMean: number;
  /** Largest |ratio - 1|. */
  readonly worstRatioGap: number;
  /** Share of ratios outside of the clip range. */
  readonly clipFraction: number;
  /** About how far rounding moves a float32 log-probability of this size. */
  readonly floatNoise: number;
  /**
   * 'consistent': all within a tenth of the clip range; 'close': all within the clip range; 'inconsistent': some start
   * outside of it, or are not finite.
   */
  readonly verdict: 'consistent' | 'close' | 'inconsistent';
  readonly warnings: readonly ConsistencyWarning[];

  /**
   * @param logProbs Of the trainer.
   * @param rolloutLogProbs As many, of the rollout.
   * @param clipRatio How far a ratio may move before its gradient is cut.
   */
  constructor(
    logProbs: ArrayLike<number>,
    rolloutLogProbs: ArrayLike<number>,
    readonly clipRatio: number,
  ) {
    const gaps = Array.from(logProbs, (value, at) => Math.fround(value - rolloutLogProbs[at]));
    const ratioGaps = gaps.map((gap) => Math.abs(Math.expm1(gap)));
    this.count = gaps.length;
    this.meanGap = mean(gaps.map(Math.abs));
    this.worstGap = Math.max(...gaps.map(Math.abs));
    this.ratioMean = mean(gaps.map(Math.exp));
    this.worstRatioGap = Math.max(...ratioGaps);
    this.clipFraction = share(ratioGaps, (gap) => !(gap <= clipRatio));
    const size = Math.max(1, ...Array.from(rolloutLogProbs, Math.abs).filter(Number.isFinite));
    this.floatNoise = ROUNDINGS * FLOAT32_EPSILON * size;
    if (this.clipFraction > 0) this.verdict = 'inconsistent';
    else this.verdict = this.worstRatioGap <= clipRatio / 10 ? 'consistent' : 'close';
    this.warnings =
      clipRatio < this.floatNoise
        ? [
            {
              name: 'clip-below-noise',
              message: `The clip ratio of ${short(clipRatio)} is below what rounding does to these log-probabilities, about ${short(this.floatNoise)}: ratios are clipped at random. Take a larger one.`,
            },
          ]
        : [];
  }

  /** The verdict and the figures behind it. */
  get words(): string {
    const figures = `mean gap ${short(this.meanGap)}, worst ${short(this.worstGap)}, ratio ${this.ratioMean.toFixed(6)} on average; clip ratio ${short(this.clipRatio)}`;
    const verdicts = {
      consistent: `The replay gives the rollout's log-probabilities: ${figures}.`,
      close: `The replay is within the clip range, but not by far: ${figures}.`,
      inconsistent: `The replay disagrees with the rollout: ${(100 * this.clipFraction).toFixed(0)} % of ${this.count} steps start outside of the clip range; ${figures}.`,
    };
    return [verdicts[this.verdict], ...this.warnings.map(({ message }) => message)].join('\n');
  }

  /** What a run's log says of it, by verl-omni's names where it has them. */
  get metrics(): Record<string, number> {
    return {
      'rollout_corr/logprob_abs_diff_mean': this.meanGap,
      'rollout_corr/logprob_abs_diff_max': this.worstGap,
      'consistency/ratio_mean': this.ratioMean,
      'consistency/clip_fraction': this.clipFraction,
    };
  }

  /** The words. */
  [jupyterDisplay](): Promise<MimeBundle> {
    return drawOrDescribe(this, () => this.words);
  }
}

const short = (value: number) =>
  Number.isFinite(value) ? String(+value.toPrecision(3)) : `${value}`;

/** How consistency is checked. */
export interface ConsistencyOptions extends ReplayOptions {
  /** What the gaps are held against. Default 1e-3. */
  clipRatio?: number;
}

const RULES: Rules<ConsistencyOptions> = {
  ...REPLAY_RULES,
  clipRatio: number({ least: 0, most: Infinity }),
};

/**
 * Replays a rollout and compares its log-probabilities with those that the rollout recorded. Do it before the first
 * update; the trainer does it at its first step.
 *
 * @throws When there is no such option or one breaks its rule, the rollout recorded no log-probabilities, or the signal is
 *   aborted.
 * @example
 * const modelConfig = pipeline.modelConfig.with({ algo: { noise_level: 0.7 } });
 * const batch = await rolloutGroups(pipeline, [{ prompt: 'a red circle' }], { key: RandomKey.fromSeed(1), groupSize: 2 });
 * const model = { transformer: pipeline.transformer, modelConfig, scheduler: buildScheduler(modelConfig) };
 * const { verdict, words } = await checkConsistency(model, batch);
 */
export async function checkConsistency(
  model: ReplayModel,
  batch: RolloutBatch,
  options: ConsistencyOptions = {},
): Promise<ConsistencyReport> {
  checkOptions('check consistency', options, RULES);
  const { clipRatio = STEP_DEFAULTS.clipRatio, ...replay } = options;
  const recorded = batch.tensors.all_log_probs;
  if (!recorded) {
    throw new Error(
      'Cannot check consistency as the rollout must record its log-probabilities: all_log_probs is missing',
    );
  }
  const { log_probs, prev_sample_mean, noise_pred } = await replayPolicy(model, batch, replay);
  try {
    const [trained, rolled] = await Promise.all([log_probs.data(), recorded.data()]);
    return new ConsistencyReport(trained, rolled, clipRatio);
  } finally {
    log_probs.dispose();
    prev_sample_mean.dispose();
    noise_pred?.dispose();
  }
}
