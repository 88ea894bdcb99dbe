import { ANYTHING, checkOptions, type Rules } from '@flowbook/sdk/option-rules';
import { Drawing } from '../drawing';
import { plural } from '../numbers';
import { chartSpec } from '../rendering/chart-spec';
import { type LogStep, openRows } from './log-rows';
import { rewardView, type RewardViewOptions } from './reward-view';

/** Options of `rewardCurve()`. */
export interface RewardCurveOptions extends RewardViewOptions {
  title?: string;
}

const RULES: Rules<RewardCurveOptions> = {
  title: ANYTHING,
  reward: ANYTHING,
  spread: ANYTHING,
  heldOut: ANYTHING,
  smoothing: ANYTHING,
  alarms: ANYTHING,
};

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
  checkOptions('draw a reward curve', options, RULES);
  const { view, headline, held, alarmTexts, tail } = rewardView(
    openRows('draw rewards', rows),
    options,
  );
  const warnings = rows.length === 0 ? ['No steps yet.'] : alarmTexts;
  const spec = chartSpec(
    {
      title: options.title ?? 'Reward',
      subtitle: [headline, held].filter(Boolean).join('  ·  ') || undefined,
      warnings,
      description: `Line chart of the reward over ${plural(rows.length, 'training step')}. ${headline}. ${held}`,
    },
    view,
  );
  const text = [
    `Reward, ${headline || 'no steps yet'}`,
    ...(held ? [held] : []),
    ...alarmTexts.map((alarm) => `⚠ ${alarm}`),
    ...tail,
  ].join('\n');
  return new Drawing({ name: 'reward-curve', spec, text });
}
