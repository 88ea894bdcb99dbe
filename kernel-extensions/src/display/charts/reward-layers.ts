import { chartWidth, colour } from '../rendering/theme';
import type { VegaLitePart } from '../rendering/vega-lite-spec';
import type { Alarm } from './reward-curve';

/** One point of the training curve; a step, or the mean of neighbouring steps. */
export interface CurvePoint {
  [field: string]: number | null | undefined;
  step: number;
  reward: number | null;
}

/** One measurement on held-out prompts. */
export interface HeldOutPoint {
  step: number;
  heldOut: number;
}

/** What `rewardLayers()` draws. */
export interface RewardLayersParts {
  points: CurvePoint[];
  heldOut: HeldOutPoint[];
  alarms: readonly Alarm[];
  /** Steps that the smoothed line averages; 1 means that there is none. */
  window: number;
}

/** The view of a reward curve: spread, steps, smoothed line, held-out line, alarms, a hover rule. */
export function rewardLayers({ points, heldOut, alarms, window }: RewardLayersParts): VegaLitePart {
  const x = stepEncoding(points);
  const hasSpread = points.some(({ low }) => typeof low === 'number');
  const series: [label: string, colour: string][] = [
    ['each step', window > 1 ? colour.sky : colour.blue],
    ...(window > 1 ? ([[`mean over ${window} steps`, colour.blue]] as [string, string][]) : []),
    ...(heldOut.length > 0 ? ([['held-out prompts', colour.vermilion]] as [string, string][]) : []),
  ];
  const color = (index: number) => ({
    datum: series[index][0],
    scale: { domain: series.map(([label]) => label), range: series.map(([, hue]) => hue) },
    legend:
      series.length > 1
        ? {
            title: null,
            orient: 'top',
            direction: 'horizontal',
            symbolType: 'stroke',
            symbolStrokeWidth: 3,
            offset: 6,
          }
        : null,
  });
  const y = (field: string) => ({
    field,
    type: 'quantitative',
    scale: { zero: false, ...(points.length === 0 && { domain: [0, 1] }) },
    axis: { title: hasSpread ? 'reward, mean ± 1 std' : 'reward', tickCount: 6 },
  });
  const few = points.length <= 60;
  return {
    width: chartWidth,
    height: 260,
    data: { values: points },
    layer: [
      ...(hasSpread
        ? [
            {
              mark: { type: 'area', color: colour.blue, opacity: 0.1 },
              encoding: { x, y: y('low'), y2: { field: 'high' } },
            },
          ]
        : []),
      {
        mark: {
          type: 'line',
          strokeWidth: window > 1 ? 1 : 2,
          ...(few && { point: { filled: true, size: window > 1 ? 14 : 28 } }),
        },
        encoding: { x, y: y('reward'), color: color(0) },
      },
      ...(window > 1
        ? [
            {
              mark: { type: 'line', strokeWidth: 2.8 },
              encoding: { x, y: y('smoothed'), color: color(1) },
            },
          ]
        : []),
      ...(heldOut.length > 0
        ? [
            {
              data: { values: heldOut },
              mark: {
                type: 'line',
                strokeWidth: 2,
                point: { filled: true, size: 45, shape: 'diamond' },
              },
              encoding: { x, y: y('heldOut'), color: color(series.length - 1) },
            },
          ]
        : []),
      ...alarmLayers(alarms, x),
      hoverLayer(points, x),
    ],
  };
}

function stepEncoding(points: CurvePoint[]): VegaLitePart {
  const steps = points.map(({ step }) => step);
  const first = Math.min(...steps);
  const last = Math.max(...steps);
  const domain = steps.length === 0 ? [0, 1] : [first, last > first ? last : first + 1];
  return {
    field: 'step',
    type: 'quantitative',
    scale: { domain, nice: false },
    axis: {
      title: 'training step',
      tickMinStep: 1,
      tickCount: Math.min(10, domain[1] - domain[0]),
      format: 'd',
    },
  };
}

/** Alarms stand on the chart itself, at their steps: nobody reads a warning in another place. */
function alarmLayers(alarms: readonly Alarm[], x: VegaLitePart): VegaLitePart[] {
  if (alarms.length === 0) return [];
  const shown = alarms.slice(0, 200).map(({ step, message }) => ({ step, message, sign: '⚠' }));
  const tooltip = [
    { field: 'step', title: 'step' },
    { field: 'message', title: 'alarm' },
  ];
  const data = { values: shown };
  return [
    {
      data,
      mark: { type: 'rule', color: colour.vermilion, strokeDash: [3, 3], strokeWidth: 1.2 },
      encoding: { x, tooltip },
    },
    {
      data,
      mark: { type: 'text', color: colour.vermilion, fontSize: 14, baseline: 'top' },
      encoding: { x, y: { value: 0 }, text: { field: 'sign' }, tooltip },
    },
  ];
}

/** Nearly invisible columns, so that the pointer finds a step without hitting its dot. */
function hoverLayer(points: CurvePoint[], x: VegaLitePart): VegaLitePart {
  const titles: Record<string, string> = {
    step: 'step',
    reward: 'reward',
    std: 'standard deviation',
    smoothed: 'smoothed',
    seconds: 'seconds',
  };
  const fields = Object.keys(titles).filter((field) => points.some((point) => field in point));
  return {
    mark: {
      type: 'rule',
      clip: true,
      opacity: 0.001,
      strokeWidth: Math.max(2, chartWidth / Math.max(1, points.length)),
    },
    encoding: { x, tooltip: fields.map((field) => ({ field, title: titles[field] })) },
  };
}
