import { compact, format, plural } from '../numbers';
import type { VegaLitePart } from '../rendering/vega-lite-spec';
import { findField, groupNeighbours, type LogRow, meanOf, numberAt, smooth } from './log-rows';
import { type Alarm, findAlarms, summariseAlarms } from './reward-alarms';
import { type CurvePoint, type HeldOutPoint, rewardLayers } from './reward-layers';

/** What of a log the curve shows. */
export interface RewardViewOptions {
  /** The rows' field with the mean training reward. Default `reward`. */
  reward?: string;
  /** The field with the rewards' standard deviation. Default `rewardStd` or `reward_std`. */
  spread?: string;
  /** The field with the reward on held-out prompts. Default `heldOut`, `held_out` or `evaluation/reward`. */
  heldOut?: string;
  /** Steps over which the smoothed line averages; 1 draws none. Default: a tenth, at most 100. */
  smoothing?: number;
  /** Alarms to draw beside those found in the rows. */
  alarms?: readonly Alarm[];
}

/** The curve, and the same in words. */
export interface RewardView {
  view: VegaLitePart;
  /** First and last reward, steps, time; empty without steps. */
  headline: string;
  /** First and last reward on held-out prompts; empty without one. */
  held: string;
  alarmTexts: string[];
  /** The last steps, a line each. */
  tail: string[];
}

/** More points than this cannot be told apart on a screen. */
const mostPoints = 1200;

/** The curve of a log. */
export function rewardView(log: readonly LogRow[], options: RewardViewOptions): RewardView {
  const rewardField = options.reward ?? 'reward';
  const spreadField = options.spread ?? findField(log, ['rewardStd', 'reward_std']);
  const heldOutField =
    options.heldOut ?? findField(log, ['heldOut', 'held_out', 'evaluation/reward']);
  // A row of an evaluation alone, such as one before training, is no step.
  const steps = log.filter((row) => row[rewardField] !== undefined);
  const rewards = steps.map((row) => numberAt(row, rewardField));
  const window = options.smoothing ?? Math.min(100, Math.max(1, Math.round(steps.length / 10)));
  const smoothed = window > 1 ? smooth(rewards, window) : [];

  const alarms = [...findAlarms(steps, rewardField, spreadField), ...(options.alarms ?? [])];
  const points = curvePoints(steps, rewards, smoothed, spreadField);
  const heldOut = heldOutPoints(log, heldOutField);
  return {
    view: rewardLayers({
      points,
      heldOut,
      alarms,
      window: smoothed.length > 0 ? window : 1,
      label: rewardField,
    }),
    headline: rewardHeadline(rewards, steps),
    held: heldOut.length > 0 ? heldOutText(heldOut) : '',
    alarmTexts: summariseAlarms(alarms),
    tail: tail(points),
  };
}

function curvePoints(
  log: readonly LogRow[],
  rewards: number[],
  smoothed: number[],
  spread: string | undefined,
): CurvePoint[] {
  const indices = log.map((_, index) => index);
  return groupNeighbours(indices, mostPoints).map((group) => {
    const last = group[group.length - 1];
    const reward = meanOf(group.map((index) => rewards[index]));
    const std = meanOf(group.map((index) => numberAt(log[index], spread)));
    return {
      step: log[last].step,
      reward: compact(reward),
      ...(Number.isFinite(std) && {
        std: compact(std),
        low: compact(reward - std),
        high: compact(reward + std),
      }),
      ...(smoothed.length > 0 && { smoothed: compact(smoothed[last]) }),
      ...(typeof log[last].seconds === 'number' && { seconds: compact(log[last].seconds) }),
    };
  });
}

function heldOutPoints(log: readonly LogRow[], field: string | undefined): HeldOutPoint[] {
  const rows = log.filter((row) => Number.isFinite(numberAt(row, field)));
  return groupNeighbours(rows, mostPoints).map((group) => {
    const last = group[group.length - 1];
    return { step: last.step, heldOut: compact(numberAt(last, field))! };
  });
}

/** Means of normalised rewards are 0 but for rounding: no "-0.000". */
const threeDigits = (value: number) => (Math.abs(value) < 5e-4 ? 0 : value).toFixed(3);

function rewardHeadline(rewards: number[], log: readonly LogRow[]): string {
  if (log.length === 0) return '';
  const finite = rewards.filter((value) => Number.isFinite(value));
  if (finite.length === 0) return plural(log.length, 'step');
  // Ends of a noisy curve are means of a few steps, not single ones.
  const few = Math.max(1, Math.min(5, Math.floor(finite.length / 4)));
  const start = meanOf(finite.slice(0, few));
  const end = meanOf(finite.slice(-few));
  const { seconds } = log[log.length - 1];
  const parts = [
    finite.length === 1 ? format(finite[0]) : `${threeDigits(start)} → ${threeDigits(end)}`,
    plural(log.length, 'step'),
    ...(typeof seconds === 'number' ? [`${Math.round(seconds)} s`] : []),
  ];
  return parts.join('  ·  ');
}

function heldOutText(points: HeldOutPoint[]): string {
  const first = threeDigits(points[0].heldOut);
  const last = threeDigits(points[points.length - 1].heldOut);
  return points.length === 1 ? `held-out ${last}` : `held-out ${first} → ${last}`;
}

function tail(points: CurvePoint[]): string[] {
  return points.slice(-5).map(({ step, reward, std }) => {
    const spread = typeof std === 'number' ? ` ± ${format(std)}` : '';
    return `step ${step}: ${reward === null ? 'not finite' : format(reward)}${spread}`;
  });
}
