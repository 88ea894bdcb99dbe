import { chartWidth, colour } from '../rendering/theme';
import type { VegaLitePart } from '../rendering/vega-lite-spec';
import type { Alarm } from './reward-alarms';

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
  /** What the vertical axis shows. */
  label: string;
}

/** A line of the chart, with its colour in the legend. */
interface Series {
  field: string;
  label: string;
  hue: string;
  mark: VegaLitePart;
  data?: VegaLitePart;
}

/** The view of a reward curve: spread, steps, smoothed line, held-out line, alarms, a hover rule. */
export function rewardLayers({
  points,
  heldOut,
  alarms,
  window,
  label,
}: RewardLayersParts): VegaLitePart {
  const x = stepEncoding([...points, ...heldOut]);
  const hasSpread = points.some(({ low }) => typeof low === 'number');
  const nothing = !points.some(({ reward }) => reward !== null);
  const y = (field: string) => ({
    field,
    type: 'quantitative',
    scale: { zero: false, ...(nothing && { domain: [0, 1] }) },
    axis: { title: hasSpread ? `${label}, mean ± 1 std` : label, tickCount: 6 },
  });
  const all = seriesOf(points, heldOut, window);
  const color = seriesColour(all);
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
      ...all.map(({ field, label, mark, data }) => ({
        ...(data && { data }),
        transform: [{ calculate: JSON.stringify(label), as: 'series' }],
        mark: { type: 'line', ...mark },
        encoding: { x, y: y(field), color },
      })),
      ...alarmLayers(alarms, x),
      hoverLayer(points, x),
    ],
  };
}

function seriesOf(points: CurvePoint[], heldOut: HeldOutPoint[], window: number): Series[] {
  const smoothed = window > 1;
  const dots = points.length <= 60 && { point: { filled: true, size: smoothed ? 14 : 28 } };
  const each: Series = {
    field: 'reward',
    label: 'each step',
    hue: smoothed ? colour.sky : colour.blue,
    mark: { strokeWidth: smoothed ? 1 : 2, ...dots },
  };
  const mean: Series = {
    field: 'smoothed',
    label: `mean over ${window} steps`,
    hue: colour.blue,
    mark: { strokeWidth: 2.8 },
  };
  const held: Series = {
    field: 'heldOut',
    label: 'held-out prompts',
    hue: colour.vermilion,
    mark: { strokeWidth: 2, point: { filled: true, size: 45, shape: 'diamond' } },
    data: { values: heldOut },
  };
  return [each, ...(smoothed ? [mean] : []), ...(heldOut.length > 0 ? [held] : [])];
}

function seriesColour(all: Series[]): VegaLitePart {
  const legend = {
    title: null,
    orient: 'top',
    direction: 'horizontal',
    symbolType: 'stroke',
    symbolStrokeWidth: 3,
    offset: 6,
  };
  return {
    field: 'series',
    type: 'nominal',
    scale: { domain: all.map(({ label }) => label), range: all.map(({ hue }) => hue) },
    legend: all.length > 1 ? legend : null,
  };
}

function stepEncoding(points: readonly { step: number }[]): VegaLitePart {
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
