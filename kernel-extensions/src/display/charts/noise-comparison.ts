import type { Transition } from '@flowbook/sdk';
import { ANYTHING, checkOptions, type Rules } from '@flowbook/sdk/option-rules';
import { Drawing } from '../drawing';
import { compact, format, plural } from '../numbers';
import { inWords, refuse } from '../refuse';
import { requireRecord } from '../require-data';
import { chartSpec } from '../rendering/chart-spec';
import { chartWidth, colour } from '../rendering/theme';
import type { VegaLitePart } from '../rendering/vega-lite-spec';
import { requireSchedule, type Schedule } from './schedule';

const action = 'compare noise';

/** Options of `noiseComparison()`. */
export interface NoiseComparisonOptions {
  /** How much noise a step adds; 0 is the ODE. Default 0.7. */
  noiseLevel?: number;
  title?: string;
}

/** A step of a transition. */
interface NoiseRow {
  kind: string;
  step: number;
  sigma: number | null;
  next: number | null;
  /** Width of the fresh noise. */
  width: number | null;
  /** All noise after the step, less what the next level allows. */
  excess: number | null;
}

const hues = [colour.blue, colour.vermilion, colour.green, colour.purple, colour.orange];
/** Lines that lie on each other are told apart by their marks. */
const marks = ['circle', 'square', 'triangle-up', 'diamond', 'cross'];

const RULES: Rules<NoiseComparisonOptions> = {
  noiseLevel: ANYTHING,
  title: ANYTHING,
};

/**
 * The noise that kinds of transition add at the steps of a schedule, side by side: above, the width of each step's fresh
 * noise; below, how much more noise lies in the sample after the step than the next level allows, if the model's guess was
 * right. With sample factor a, velocity factor b and width w of a step from sigma, that noise is
 * sqrt((a sigma + b)^2 + w^2); 0 everywhere is a transition that preserves the marginals.
 *
 * @param schedule such as a scheduler of `@flowbook/sdk`.
 * @param kinds transitions by name, such as those of `transitions`.
 * @throws if the schedule has no steps, or there are not 1 to 5 kinds.
 * @example
 * const ode: Transition = ({ sigma, sigmaNext }) => ({
 *   sampleScale: 1, velocityScale: sigmaNext - sigma, noiseScale: 0, std: 0, precision: 1, logNormalizer: 0,
 * });
 * const drawing = noiseComparison({ sigmaValues: [1, 0.6, 0], timestepValues: [1000, 600] }, { ode });
 */
export function noiseComparison(
  schedule: Schedule,
  kinds: Readonly<Record<string, Transition>>,
  options: NoiseComparisonOptions = {},
): Drawing {
  checkOptions(action, options, RULES);
  const { noiseLevel = 0.7, title = 'Noise by kind of step' } = options;
  requireSchedule(action, schedule);
  requireRecord(action, 'kinds of step by name', kinds);
  const steps = schedule.timestepValues.length;
  const names = Object.keys(kinds);
  if (names.length === 0 || names.length > hues.length) {
    refuse(action, `there must be 1 to ${hues.length} kinds of step`, names.length);
  }
  for (const name of names) {
    if (typeof kinds[name] === 'function') continue;
    refuse(action, `"${name}" must be a transition`, inWords(kinds[name]));
  }
  const levels = Array.from(schedule.sigmaValues);
  if (levels.length === steps) levels.push(0);
  const rows = names.flatMap((kind) =>
    Array.from({ length: steps }, (_, step) =>
      noiseRow(kind, kinds[kind], levels, step, noiseLevel),
    ),
  );
  const facts = [plural(steps, 'step'), `η ${format(noiseLevel)}`].join('  ·  ');
  const broken = names.filter((name) =>
    rows.some(({ kind, width, excess }) => kind === name && (width === null || excess === null)),
  );
  const warnings = broken.map((name) => `${name} is not finite at some steps.`);
  const worst = names.map((name) => {
    const own = rows.filter(({ kind }) => kind === name);
    const excess = Math.max(...own.map((row) => Math.abs(row.excess ?? 0)));
    return `${name}: largest excess ${format(excess < 1e-9 ? 0 : excess)}`;
  });
  const spec = chartSpec(
    {
      title,
      subtitle: facts,
      warnings,
      description: `Two line charts over ${plural(steps, 'denoising step')}: width of the fresh noise, and noise above the next level. ${worst.join('; ')}.`,
    },
    {
      spacing: 18,
      data: { values: rows },
      vconcat: [
        panel(names, steps, { field: 'width', title: 'width of the noise', legend: true }),
        panel(names, steps, { field: 'excess', title: 'above the next level', legend: false }),
      ],
    },
  );
  const text = [
    `${title}, ${facts}`,
    ...warnings.map((line) => `⚠ ${line}`),
    ...table(rows, names),
  ];
  return new Drawing({ name: 'noise-comparison', spec, text: [...text, ...worst].join('\n') });
}

function noiseRow(
  kind: string,
  transition: Transition,
  levels: readonly number[],
  step: number,
  noiseLevel: number,
): NoiseRow {
  const [sigma, sigmaNext] = [levels[step], levels[step + 1]];
  const { sampleScale, velocityScale, noiseScale } = transition({
    sigma,
    sigmaNext,
    sigmaSecond: levels[1],
    noiseLevel,
  });
  const kept = sampleScale * sigma + velocityScale;
  return {
    kind,
    step,
    sigma: compact(sigma),
    next: compact(sigmaNext),
    width: compact(noiseScale),
    excess: compact(Math.hypot(kept, noiseScale) - sigmaNext),
  };
}

function panel(
  names: readonly string[],
  steps: number,
  { field, title, legend }: { field: string; title: string; legend: boolean },
): VegaLitePart {
  const x = {
    field: 'step',
    type: 'quantitative',
    scale: { domain: [0, Math.max(1, steps - 1)], nice: false },
    axis: {
      title: legend ? null : 'denoising step',
      format: 'd',
      tickMinStep: 1,
      tickCount: Math.min(steps, 12),
    },
  };
  const scale = (range: readonly string[]) => ({
    domain: names,
    range: range.slice(0, names.length),
  });
  const key = { title: null, orient: 'top', direction: 'horizontal' };
  return {
    width: chartWidth,
    height: 150,
    mark: { type: 'line', strokeWidth: 2, point: { filled: true, size: steps > 60 ? 10 : 46 } },
    encoding: {
      x,
      y: { field, type: 'quantitative', axis: { title, tickCount: 5 } },
      color: { field: 'kind', type: 'nominal', scale: scale(hues), legend: key },
      shape: { field: 'kind', type: 'nominal', scale: scale(marks), legend: key },
      tooltip: [
        { field: 'kind', title: 'kind' },
        { field: 'step', title: 'step' },
        { field: 'sigma', title: 'from σ' },
        { field: 'next', title: 'to σ' },
        { field: 'width', title: 'width of the noise' },
        { field: 'excess', title: 'noise above the next level' },
      ],
    },
  };
}

const mostLines = 24;

function table(rows: readonly NoiseRow[], names: readonly string[]): string[] {
  const steps = rows.length / names.length;
  const cell = (value: number | null) => (value === null ? 'NaN' : format(value)).padStart(12);
  const lines = Array.from({ length: Math.min(steps, mostLines) }, (_, step) =>
    [
      String(step).padStart(4),
      ...names.map((name) => cell(rows.find((r) => r.kind === name && r.step === step)!.width)),
    ].join(''),
  );
  return [
    `step${names.map((name) => name.padStart(12)).join('')}`,
    ...lines,
    ...(steps > mostLines ? ['   …'] : []),
  ];
}
