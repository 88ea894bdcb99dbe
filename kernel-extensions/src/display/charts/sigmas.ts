import { ANYTHING, checkOptions, type Rules } from '@flowbook/sdk/option-rules';
import { Drawing } from '../drawing';
import { compact, format, plural } from '../numbers';
import { refuse } from '../refuse';
import { chartSpec } from '../rendering/chart-spec';
import { requireSchedule, type Schedule } from './schedule';
import { lengthsView, levelsView, type NoiseState, type NoiseStep } from './sigmas-views';

export type { Schedule };

/** Options of `sigmas()`. */
export interface SigmasOptions {
  /** The steps that add noise, `[begin, end)`: the SDE window. Default: not drawn. */
  window?: readonly [begin: number, end: number];
  title?: string;
}

const action = 'draw a schedule';

const RULES: Rules<SigmasOptions> = {
  window: ANYTHING,
  title: ANYTHING,
};

/**
 * A scheduler's noise levels over its denoising steps, with each step's length and the window of
 * steps that add noise (the SDE steps, which FlowGRPO trains on).
 *
 * @throws if the schedule has no steps, or the window is not inside it.
 * @example
 * const drawing = sigmas({ sigmaValues: [1, 0.6, 0], timestepValues: [1000, 600] }, { window: [0, 1] });
 */
export function sigmas(schedule: Schedule, options: SigmasOptions = {}): Drawing {
  checkOptions(action, options, RULES);
  const { window, title } = options;
  requireSchedule(action, schedule);
  const steps = schedule.timestepValues.length;
  const levels = Array.from(schedule.sigmaValues);
  // A schedule that was never set ends without the picture's level 0.
  if (levels.length === steps) levels.push(0);
  if (window && !(window[0] >= 0 && window[0] <= window[1] && window[1] <= steps)) {
    refuse(action, `window must lie within 0 to ${steps}`, `[${window.join(', ')}]`);
  }

  const noisy = (step: number) => window !== undefined && step >= window[0] && step < window[1];
  const states: NoiseState[] = levels.map((sigma, step) => ({
    step,
    sigma: compact(sigma),
    timestep: step < steps ? compact(schedule.timestepValues[step]) : 0,
  }));
  const moves: NoiseStep[] = Array.from({ length: steps }, (_, step) => ({
    step,
    end: step + 1,
    length: compact(levels[step] - levels[step + 1]),
    from: compact(levels[step]),
    to: compact(levels[step + 1]),
    kind: noisy(step) ? 'SDE step, adds noise' : 'ODE step, no noise',
  }));

  const windowText = window
    ? `SDE window: ${window[0] === window[1] ? 'no steps' : `steps ${window[0]} to ${window[1] - 1}`}`
    : '';
  const range = `σ from ${format(levels[0])} to ${format(levels[steps])}`;
  const spec = chartSpec(
    {
      title: title ?? 'Noise schedule',
      subtitle: [plural(steps, 'step'), range, windowText].filter(Boolean).join('  ·  '),
      description: `Line chart of the noise level over ${plural(steps, 'denoising step')}, ${range}. ${windowText}`,
    },
    {
      spacing: 18,
      vconcat: [levelsView(states, window), lengthsView(moves, window !== undefined)],
    },
  );
  return new Drawing({
    name: 'sigmas',
    spec,
    text: sigmasText(levels, schedule, windowText, noisy),
  });
}

function sigmasText(
  levels: number[],
  { timestepValues }: Schedule,
  windowText: string,
  noisy: (step: number) => boolean,
): string {
  const steps = timestepValues.length;
  const lines = [`Noise schedule, ${plural(steps, 'step')}${windowText && `, ${windowText}`}`];
  const shown = Array.from({ length: steps }, (_, step) => step);
  const cut = steps > 24 ? [...shown.slice(0, 12), ...shown.slice(-12)] : shown;
  lines.push('step  timestep    sigma   length');
  for (const step of cut) {
    if (step === steps - 12 && cut.length < steps) lines.push('   …');
    lines.push(
      [
        String(step).padStart(4),
        timestepValues[step].toFixed(2).padStart(9),
        levels[step].toFixed(4).padStart(8),
        (levels[step] - levels[step + 1]).toFixed(4).padStart(8),
        ...(noisy(step) ? ['  SDE'] : []),
      ].join(' '),
    );
  }
  lines.push(` end ${' '.repeat(9)} ${levels[steps].toFixed(4).padStart(8)}`);
  return lines.join('\n');
}
