import { chartWidth, colour } from '../rendering/theme';
import type { VegaLitePart } from '../rendering/vega-lite-spec';

/** A noise level and the model's time there. */
export interface NoiseState {
  step: number;
  sigma: number | null;
  timestep: number | null;
}

/** A step from one noise level to the next. */
export interface NoiseStep {
  step: number;
  end: number;
  length: number | null;
  from: number | null;
  to: number | null;
  kind: string;
}

const levelsHeight = 210;

function xEncoding(steps: number, axis: VegaLitePart): VegaLitePart {
  return {
    field: 'step',
    type: 'quantitative',
    scale: { domain: [0, steps], nice: false },
    axis: { ...axis, format: 'd', tickMinStep: 1, tickCount: Math.min(steps, 12) },
  };
}

/** The noise levels as a line, the window shaded. */
export function levelsView(
  states: NoiseState[],
  window: readonly [begin: number, end: number] | undefined,
): VegaLitePart {
  const steps = states.length - 1;
  const x = xEncoding(steps, { title: null, labels: false });
  const y = {
    field: 'sigma',
    type: 'quantitative',
    scale: { zero: true },
    axis: { title: 'noise level σ', tickCount: 5 },
  };
  const shaded = window !== undefined && window[1] > window[0];
  return {
    width: chartWidth,
    height: levelsHeight,
    layer: [
      ...(shaded ? windowLayers(window, steps) : []),
      {
        data: { values: states },
        mark: { type: 'line', color: colour.blue, strokeWidth: 2 },
        encoding: { x, y },
      },
      {
        data: { values: states },
        mark: {
          type: 'point',
          filled: true,
          opacity: 1,
          color: colour.blue,
          size: steps > 60 ? 12 : 55,
          stroke: colour.card,
          strokeWidth: steps > 60 ? 0 : 1.5,
        },
        encoding: {
          x,
          y,
          tooltip: [
            { field: 'step', title: 'step' },
            { field: 'sigma', title: 'noise level σ' },
            { field: 'timestep', title: 'timestep' },
          ],
        },
      },
    ],
  };
}

function windowLayers([begin, end]: readonly [number, number], steps: number): VegaLitePart[] {
  // The curve falls from the upper left to the lower right: the label stands where it is not.
  const early = begin < steps / 2;
  const data = { values: [{ step: begin, end, label: 'SDE window' }] };
  const x = { field: 'step', type: 'quantitative' };
  return [
    {
      data,
      mark: { type: 'rect', color: colour.orange, opacity: 0.16 },
      encoding: { x, x2: { field: 'end' } },
    },
    {
      data,
      mark: {
        type: 'text',
        align: early ? 'left' : 'right',
        baseline: early ? 'bottom' : 'top',
        dx: early ? 7 : -7,
        color: colour.amber,
        fontWeight: 600,
      },
      encoding: {
        x: { ...x, field: early ? 'step' : 'end' },
        y: { value: early ? levelsHeight - 8 : 8 },
        text: { field: 'label' },
      },
    },
  ];
}

/** The steps' lengths as bars, coloured by kind where there is a window. */
export function lengthsView(moves: NoiseStep[], coloured: boolean): VegaLitePart {
  const steps = moves.length;
  const kinds = ['SDE step, adds noise', 'ODE step, no noise'];
  return {
    width: chartWidth,
    height: 70,
    data: { values: moves },
    mark: { type: 'rect', xOffset: steps > 60 ? 0 : 1, x2Offset: steps > 60 ? 0 : -1 },
    encoding: {
      x: xEncoding(steps, { title: 'denoising step' }),
      x2: { field: 'end' },
      y: {
        field: 'length',
        type: 'quantitative',
        axis: { title: 'length |Δσ|', tickCount: 3 },
      },
      y2: { datum: 0 },
      color: coloured
        ? {
            field: 'kind',
            type: 'nominal',
            scale: { domain: kinds, range: [colour.orange, colour.sky] },
            legend: { title: null, orient: 'bottom', direction: 'horizontal' },
          }
        : { value: colour.sky },
      tooltip: [
        { field: 'step', title: 'step' },
        { field: 'from', title: 'from σ' },
        { field: 'to', title: 'to σ' },
        { field: 'length', title: 'length |Δσ|' },
        { field: 'kind', title: 'kind' },
      ],
    },
  };
}
