import {
  checkOptions,
  COUNT_OR_INFINITY,
  number,
  orNull,
  type Rules,
} from '../../core/option-rules';
import { median } from '../../core/statistics';
import { withoutUndefined } from '../../core/without-undefined';
import { EVALUATED } from '../log-names';
import type { LogLine } from '../step-report';

/** What an alarm is about. */
export type AlarmName =
  | 'not-finite'
  | 'ratio-outside-clip'
  | 'rollout-gap'
  | 'clip-fraction-high'
  | 'held-out-falls'
  | 'diversity-falls'
  | 'gradient-norm-jump';

/** Something that a run's log shows to be going wrong: what is seen, where it usually comes from, what helps. */
export interface Alarm {
  /** Where it was first seen. */
  step: number;
  name: AlarmName;
  symptom: string;
  cause: string;
  action: string;
}

/** From when on an alarm is raised. */
export interface AlarmLimits {
  /** Largest |ratio - 1| before a step's first update; null: not looked at. Default: the trainer's clip range. */
  replayGap: number | null;
  /** Largest mean |logProb - rolloutLogProb| of a step; null: not looked at. Default: that of the servers that roll out. */
  rolloutGap: number | null;
  /** Share of clipped samples, mean over `window` steps. Default 0.4. */
  clipFraction: number;
  /** Evaluations in a row below the best one while the reward rises. Default 2. */
  fallingEvaluations: number;
  /** What of a run's first diversity must be left, both means over `window` steps. Default 0.5. */
  diversityLeft: number;
  /** How many times the median of the 20 steps before a gradient's norm may be. Default 10. */
  gradNormFactor: number;
  /** Steps that means are taken over. Default 5. */
  window: number;
}

/** The limits where nothing else is said. */
export const ALARM_LIMITS: AlarmLimits = {
  replayGap: null,
  rolloutGap: null,
  clipFraction: 0.4,
  fallingEvaluations: 2,
  diversityLeft: 0.5,
  gradNormFactor: 10,
  window: 5,
};

/** Steps that a norm is compared with, and the fewest that say what is usual. */
const NORM_STEPS = 20;
const FEWEST_NORMS = 5;

/** Infinity raises no alarm. */
const LIMIT = number({ least: 0, most: Infinity });

/** What limits must be. */
export const ALARM_RULES: Rules<AlarmLimits> = {
  replayGap: orNull(LIMIT),
  rolloutGap: orNull(LIMIT),
  clipFraction: LIMIT,
  fallingEvaluations: COUNT_OR_INFINITY,
  diversityLeft: LIMIT,
  gradNormFactor: LIMIT,
  window: COUNT_OR_INFINITY,
};

/** Looks at the last line of a log: the symptom, or null. */
type Rule = (lines: readonly LogLine[], limits: AlarmLimits) => string | null;

interface AlarmRule {
  see: Rule;
  cause: string;
  action: string;
}

/** Share of a reward's size that is no rise: of normalised rewards the mean is 0 but for rounding. */
const ROUNDING = 1e-6;

const show = (value: number) => String(Number(value.toPrecision(3)));

const meanOf = (lines: readonly LogLine[], metric: string): number => {
  const values = lines.map((line) => line[metric]).filter(Number.isFinite);
  return values.reduce((sum, value) => sum + value, 0) / values.length;
};

const RULES: Readonly<Record<AlarmName, AlarmRule>> = {
  'not-finite': {
    see: (lines) => {
      const last = lines[lines.length - 1];
      const broken = ['reward', 'loss', 'gradNorm'].filter(
        (metric) => metric in last && !Number.isFinite(last[metric]),
      );
      if (broken.length > 0) return `${broken.join(' and ')} not finite`;
      if (last.rolledBack > 0) return 'the step was taken back: something in it is not finite';
      if (last.skippedSamples > 0)
        return 'pictures were left out: their log-probabilities are not finite';
      return last.skippedUpdates > 0 ? 'an update was left out: its gradient is not finite' : null;
    },
    cause: 'numbers grew too large (learning rate, loss weights), or a reward returned NaN',
    action:
      'lower the learning rate, check the reward on the pictures of this step, go back to a checkpoint',
  },
  'ratio-outside-clip': {
    see: (lines, { replayGap }) => {
      const gap = lines[lines.length - 1].replayGap;
      if (replayGap === null || gap === undefined || gap <= replayGap) return null;
      return `before any update a ratio is ${show(gap)} from 1, outside of the clip range of ${show(replayGap)}`;
    },
    cause:
      'the replay differs from the rollout: another schedule, window, guidance, padding or precision',
    action:
      'compare both with checkConsistency; recompute old log-probabilities with rolloutCorrection when rollouts come from elsewhere',
  },
  'rollout-gap': {
    see: (lines, { rolloutGap }) => {
      const gap = lines[lines.length - 1]['rollout_corr/logprob_abs_diff_mean'];
      if (rolloutGap === null || gap === undefined || gap <= rolloutGap) return null;
      return `log-probabilities of the rollout lie ${show(gap)} from the trainer's on average, more than ${show(rolloutGap)}`;
    },
    cause: 'the server that rolls out has other weights, or another schedule, guidance or noise',
    action:
      'see that it reads weightsFolder and serves the same model in the same steps; rounding alone is below 5e-4',
  },
  'clip-fraction-high': {
    see: (lines, { clipFraction, window }) => {
      const share = meanOf(lines.slice(-window), 'clipFraction');
      if (lines.length < window || !(share > clipFraction)) return null;
      return `${Math.round(100 * share)} % of the samples are clipped, mean over ${window} steps`;
    },
    cause:
      'updates of one step go farther than the clip range: learning rate too high, too many updates a step',
    action: 'lower learningRate or ppoEpochs, enlarge miniBatchSize, or widen clipRatio',
  },
  'held-out-falls': {
    see: (lines, { fallingEvaluations: count }) => {
      const places = lines.flatMap((line, at) => (Number.isFinite(line[EVALUATED]) ? [at] : []));
      const values = places.map((at) => lines[at][EVALUATED]);
      if (values.length <= count) return null;
      const best = values.lastIndexOf(Math.max(...values));
      const isFalling = values
        .slice(-count)
        .every((value, at) => value < values[values.length - count + at - 1]);
      if (!isFalling || best >= values.length - count) return null;
      const [from, to] = [places[best], places[places.length - 1] + 1];
      const middle = Math.floor((from + to) / 2);
      const [earlier, later] = [
        meanOf(lines.slice(from, middle), 'reward'),
        meanOf(lines.slice(middle, to), 'reward'),
      ];
      const size = Math.max(Math.abs(earlier), meanOf(lines.slice(from, to), 'rewardStd') || 0);
      if (!(later - earlier > ROUNDING * size)) return null;
      return `the reward rose from ${show(earlier)} to ${show(later)} while on held-out prompts it fell from ${show(values[best])} to ${show(values[values.length - 1])}`;
    },
    cause: 'the policy learns the training prompts, or what the reward overlooks',
    action:
      'stop here (patience does it) and take checkpoints/best, or the model as it was loaded where step 0 was the best; more prompts, a KL term, a second reward',
  },
  'diversity-falls': {
    see: (lines, { diversityLeft, window }) => {
      if (lines.length < 2 * window) return null;
      const first = meanOf(lines.slice(0, window), 'diversity');
      const last = meanOf(lines.slice(-window), 'diversity');
      if (!(last < diversityLeft * first)) return null;
      return `pictures of one prompt differ by ${show(last)}, at first by ${show(first)}`;
    },
    cause: 'the policy collapses onto few pictures, which is how rewards are gamed',
    action:
      'look at the pictures; add a KL term (klLossCoef), lower the learning rate, stop earlier',
  },
  'gradient-norm-jump': {
    see: (lines, { gradNormFactor }) => {
      const before = lines
        .slice(-NORM_STEPS - 1, -1)
        .map(({ gradNorm }) => gradNorm)
        .filter(Number.isFinite);
      const norm = lines[lines.length - 1].gradNorm;
      if (before.length < FEWEST_NORMS || !(norm > gradNormFactor * median(before))) return null;
      return `the gradient's norm is ${show(norm)}, usually ${show(median(before))}`;
    },
    cause: 'a few samples with extreme advantages or ratios, or a learning rate that is too high',
    action: 'it was clipped to maxGradNorm; when it returns, lower the learning rate or advClipMax',
  },
};

/** The alarms whose condition holds at the last line of a log. */
function seen(lines: readonly LogLine[], limits: AlarmLimits): Map<AlarmName, string> {
  const symptoms = new Map<AlarmName, string>();
  if (lines.length === 0) return symptoms;
  for (const [name, { see }] of Object.entries(RULES)) {
    const symptom = see(lines, limits);
    if (symptom !== null) symptoms.set(name as AlarmName, symptom);
  }
  return symptoms;
}

/**
 * The alarms that begin at the last line of a log: what holds now and did not hold a line before.
 *
 * @param lines In the order of their steps.
 * @param limits One that is undefined is one left out.
 * @example
 * const [alarm] = alarmsAtEnd([{ step: 1, seconds: 1, reward: NaN }]);
 * alarm.symptom; // 'reward not finite'
 */
export function alarmsAtEnd(lines: readonly LogLine[], limits: Partial<AlarmLimits> = {}): Alarm[] {
  return beginningAtEnd(lines, completeLimits(limits));
}

function completeLimits(limits: Partial<AlarmLimits>): AlarmLimits {
  checkOptions('raise alarms', limits, ALARM_RULES);
  return { ...ALARM_LIMITS, ...withoutUndefined(limits) };
}

function beginningAtEnd(lines: readonly LogLine[], all: AlarmLimits): Alarm[] {
  const before = seen(lines.slice(0, -1), all);
  return [...seen(lines, all)].flatMap(([name, symptom]) => {
    if (before.has(name)) return [];
    const { cause, action } = RULES[name];
    return { step: lines[lines.length - 1].step, name, symptom, cause, action };
  });
}

/**
 * All alarms of a log, each where it began.
 *
 * @param lines In the order of their steps.
 * @param limits Those that differ from `ALARM_LIMITS`.
 *
 * @example
 * const log = [0.1, NaN, NaN].map((reward, at) => ({ step: at + 1, seconds: at, reward }));
 * alarmsOf(log).map(({ step, symptom }) => `${step}: ${symptom}`); // ['2: reward not finite']
 */
export function alarmsOf(lines: readonly LogLine[], limits: Partial<AlarmLimits> = {}): Alarm[] {
  const all = completeLimits(limits);
  return lines.flatMap((_, at) => beginningAtEnd(lines.slice(0, at + 1), all));
}

/**
 * An alarm in one line: what is seen, from what, and what to do.
 *
 * @example
 * const [alarm] = alarmsOf([{ step: 1, seconds: 1, reward: NaN }]);
 * describeAlarm(alarm).startsWith('step 1: reward not finite. Cause:'); // true
 */
export function describeAlarm({ step, symptom, cause, action }: Alarm): string {
  return `step ${step}: ${symptom}. Cause: ${cause}. What to do: ${action}.`;
}
