import { Drawing } from '../drawing';
import { compact, format, plural } from '../numbers';
import { chartSpec } from '../rendering/chart-spec';
import {
  findField,
  groupNeighbours,
  type LogRow,
  type LogStep,
  meanOf,
  numberAt,
  openRows,
  smooth,
} from './log-rows';
import { type Alarm, findAlarms, summariseAlarms } from './reward-alarms';
import { type CurvePoint, type HeldOutPoint, rewardLayers } from './reward-layers';

/** Options of `rewardCurve()`. */
export interface RewardCurveOptions {
  /** The rows' field with the mean training reward. Default `reward`. */
  reward?: string;
  /** The field with the rewards' standard deviation. Default `rewardStd` or `reward_std`. */
  spread?: string;
  /** The field with the reward on held-out prompts. Default `heldOut` or `held_out`. */
  heldOut?: string;
  /** Steps over which the smoothed line averages; 1 draws none. Default: a tenth, at most 100. */
  smoothing?: number;
  /** Alarms to draw beside those found in the rows. */
  alarms?: readonly Alarm[];
  title?: string;
}

/** More points than this cannot be told apart on a screen. */
const mostPoints = 1200;

/**
 * The training reward over a run's steps: mean, spread (plus and minus one standard deviation), a
 * smoothed line, the held-out reward where rows have one, and alarms on the chart: rewards that are
 * not finite, groups without any spread (they teach nothing), rows' own `alarm` texts.
 *
 * @param rows in the order of their steps, such as a run's log or the trainer's reports.
 * @example
 * const drawing = rewardCurve([
 *   { step: 0, seconds: 2, reward: 0.81, rewardStd: 0.2 },
 *   { step: 1, seconds: 4, reward: 0.84, rewardStd: 0.19, heldOut: 0.8 },
 * ]);
 */
export function rewardCurve<Step extends LogStep>(
  rows: readonly Step[],
  options: RewardCurveOptions = {},
): Drawing {
  const log = openRows(rows);
  const rewardField = options.reward ?? 'reward';
  const spreadField = options.spread ?? findField(log, ['rewardStd', 'reward_std']);
  const heldOutField = options.heldOut ?? findField(log, ['heldOut', 'held_out']);
  const rewards = log.map((row) => numberAt(row, rewardField));
  const window = options.smoothing ?? Math.min(100, Math.max(1, Math.round(log.length / 10)));
  const smoothed = window > 1 ? smooth(rewards, window) : [];

  const alarms = [...findAlarms(log, rewardField, spreadField), ...(options.alarms ?? [])];
  const points = curvePoints(log, rewards, smoothed, spreadField);
  const heldOut = heldOutPoints(log, heldOutField);

  const headline = rewardHeadline(rewards, log);
  const alarmTexts = summariseAlarms(alarms);
  const warnings = log.length === 0 ? ['No steps yet.'] : alarmTexts;
  const held = heldOut.length > 0 ? heldOutText(heldOut) : '';
  const spec = chartSpec(
    {
      title: options.title ?? 'Reward',
      subtitle: [headline, held].filter(Boolean).join('  ·  ') || undefined,
      warnings,
      description: `Line chart of the reward over ${plural(log.length, 'training step')}. ${headline}. ${held}`,
    },
    rewardLayers({ points, heldOut, alarms, window: smoothed.length > 0 ? window : 1 }),
  );
  const text = [
    `Reward, ${headline || 'no steps yet'}`,
    ...(held ? [held] : []),
    ...alarmTexts.map((alarm) => `⚠ ${alarm}`),
    ...tail(points),
  ].join('\n');
  return new Drawing({ name: 'reward-curve', spec, text });
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
    finite.length === 1 ? format(finite[0]) : `${start.toFixed(3)} → ${end.toFixed(3)}`,
    plural(log.length, 'step'),
    ...(typeof seconds === 'number' ? [`${Math.round(seconds)} s`] : []),
  ];
  return parts.join('  ·  ');
}

function heldOutText(points: HeldOutPoint[]): string {
  const first = points[0].heldOut.toFixed(3);
  const last = points[points.length - 1].heldOut.toFixed(3);
  return points.length === 1 ? `held-out ${last}` : `held-out ${first} → ${last}`;
}

function tail(points: CurvePoint[]): string[] {
  return points.slice(-5).map(({ step, reward, std }) => {
    const spread = typeof std === 'number' ? ` ± ${format(std)}` : '';
    return `step ${step}: ${reward === null ? 'not finite' : format(reward)}${spread}`;
  });
}
