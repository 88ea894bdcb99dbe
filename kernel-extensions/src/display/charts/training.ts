import { ANYTHING, checkOptions, type Rules } from '@flowbook/sdk/option-rules';
import { Drawing } from '../drawing';
import { requireRecord } from '../require-data';
import { chartSpec } from '../rendering/chart-spec';
import { pixel } from '../rendering/pixel-position';
import { chartWidth, colour } from '../rendering/theme';
import type { VegaLitePart } from '../rendering/vega-lite-spec';
import { wrapText } from '../rendering/wrap-text';
import { alarmText, type TrainingAlarm } from './alarm-text';
import { type LogStep, openRows } from './log-rows';
import { rewardView, type RewardViewOptions } from './reward-view';
import { progressLine, progressOf } from './training-progress';

export type { TrainingAlarm };

/** A run so far: `RunView` of `@flowbook/sdk` is one. */
export interface TrainingView {
  /** A row a step, with `seconds` since the run began. */
  readonly log: readonly LogStep[];
  readonly alarms?: readonly TrainingAlarm[];
  /** The step that the run ends with. */
  readonly steps: number;
}

/** Options of `training()`. */
export interface TrainingOptions extends Omit<RewardViewOptions, 'alarms'> {
  title?: string;
  /** How the run stands, such as `finished`. Default `running`, which shows the time left. */
  state?: string;
}

const textSize = 11;
const lineHeight = 15;
/** More alarms than these are counted, the latest ones are shown. */
const mostAlarms = 6;
const mostLines = 8;

const RULES: Rules<TrainingOptions> = {
  title: ANYTHING,
  state: ANYTHING,
  reward: ANYTHING,
  spread: ANYTHING,
  heldOut: ANYTHING,
  smoothing: ANYTHING,
};

/**
 * A run as it goes on: how far it is and the time left, its reward curve with alarms on it, and the alarms in words below:
 * what is seen, from what it usually comes, what to do. A run without rewards shows its loss.
 *
 * @throws When `run` is no `{ log, steps }`.
 *
 * @example
 * const log = [1, 2, 3].map((step) => ({ step, seconds: 2 * step, reward: step / 10 }));
 * const drawing = training({ log, steps: 10 });
 */
export function training(run: TrainingView, all: TrainingOptions = {}): Drawing {
  checkOptions('draw a training', all, RULES);
  const { title = 'Training', state = 'running', ...options } = all;
  requireRecord('draw a training', 'a run { log, steps }', run);
  const { alarms = [], steps } = run;
  const log = openRows('draw a training', run.log);
  const reward = options.reward ?? (log.some((row) => 'reward' in row) ? 'reward' : 'loss');
  const marks = alarms.map(({ step, symptom }) => ({ step, message: symptom }));
  const curve = rewardView(log, { ...options, reward, alarms: marks });
  const progress = progressLine(progressOf(log, steps), state);
  const facts = [curve.headline, curve.held].filter(Boolean).join('  ·  ') || 'no steps yet';
  const words = alarmWords(alarms);
  const list = words.flatMap((alarm) => wrapText(alarm, chartWidth, textSize, mostLines));
  const spec = chartSpec(
    {
      title,
      subtitle: [progress, facts],
      description: `Line chart of the ${reward} of a training run. ${progress}. ${facts}. ${words.join(' ')}`,
    },
    list.length === 0 ? curve.view : { vconcat: [curve.view, textView(list)], spacing: 8 },
  );
  const own = curve.alarmTexts.filter(
    (text) => !marks.some(({ message }) => text.includes(message)),
  );
  const text = [
    `${title}: ${progress}`,
    facts,
    ...words,
    ...own.map((one) => `⚠ ${one}`),
    ...curve.tail,
  ];
  return new Drawing({ name: 'training', spec, text: text.join('\n') });
}

/** The latest alarms, each in one text. */
function alarmWords(alarms: readonly TrainingAlarm[]): string[] {
  const shown = alarms.slice(-mostAlarms).reverse();
  const rest = alarms.length - shown.length;
  return [...shown.map(alarmText), ...(rest > 0 ? [`⚠ ${rest} more before.`] : [])];
}

/** Lines of text as a view of its own. */
function textView(lines: readonly string[]): VegaLitePart {
  return {
    width: chartWidth,
    height: lines.length * lineHeight,
    data: { values: lines.map((line, at) => ({ line, x: 0, y: at * lineHeight })) },
    mark: { type: 'text', align: 'left', baseline: 'top', fontSize: textSize, color: colour.alarm },
    encoding: { x: pixel('x'), y: pixel('y'), text: { field: 'line' } },
  };
}
