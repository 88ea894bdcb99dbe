import { ANYTHING, checkOptions, type Rules } from '@flowbook/sdk/option-rules';
import { Drawing } from '../drawing';
import { type FramesDocument, frameUrls } from '../frames';
import { compact, format, plural } from '../numbers';
import { refuse } from '../refuse';
import { chartSpec } from '../rendering/chart-spec';
import { summarise, type Summary } from '../statistics';
import { type LatentColumn, latentsView } from './latents-view';
import { planePixels, principalPixels, tileUrl } from './latent-tiles';
import { range, requireTrajectory, rowOf, spread, stateLabel, type Trajectory } from './trajectory';
import { type LatentStates, unpackLatents } from './unpack-latents';

/** Options of `latents()`. */
export interface LatentsOptions {
  /** The row of the batch. Default 0. */
  sample?: number;
  /** Channels to draw. Default: the first four. */
  channels?: readonly number[];
  /** Rows and columns of packed tokens. Default: the squarest grid. */
  grid?: readonly [rows: number, columns: number];
  title?: string;
}

/** More columns than this would be too small to see anything. */
const mostColumns = 11;

const RULES: Rules<LatentsOptions> = {
  sample: ANYTHING,
  channels: ANYTHING,
  grid: ANYTHING,
  title: ANYTHING,
};

/**
 * A trajectory's latents from noise to picture: a row a channel, a column a state, on top all
 * channels as colours (principal components), below the mean and spread at each state.
 *
 * @throws if the latents' shape is none that is known, or the sample or a channel is out of range.
 * @example
 * const all_latents = { shape: [1, 2, 4, 16], dtype: 'float32', dataSync: () => new Float32Array(128) };
 * const drawing = latents({ all_latents });
 */
export function latents(trajectory: Trajectory, options: LatentsOptions = {}): Drawing {
  checkOptions('draw latents', options, RULES);
  const { sample = 0, title = 'Latents over denoising steps' } = options;
  requireTrajectory('draw latents', trajectory);
  const planes = unpackLatents(trajectory.all_latents, sample, options.grid);
  const channels = options.channels ?? range(Math.min(4, planes.channels));
  for (const channel of channels) {
    if (!(channel >= 0 && channel < planes.channels)) {
      refuse('draw latents', `channels must be 0 to ${planes.channels - 1}`, channel);
    }
  }
  const states = spread(planes.states, mostColumns);
  const summaries = states.map((state) => summarise(wholeState(planes, state)));
  const limit = colourLimit(summaries);
  const timesteps = rowOf(trajectory.all_timesteps, sample);
  const logProbs = rowOf(trajectory.all_log_probs, sample);

  const columns: LatentColumn[] = states.map((state, index) => ({
    state,
    label: stateLabel(state, planes.states, timesteps),
    mean: compact(summaries[index].mean),
    std: compact(summaries[index].std),
    min: compact(summaries[index].min),
    max: compact(summaries[index].max),
    // The log-probability of a step belongs to the state that it led to.
    logProb: state > 0 && logProbs ? compact(logProbs[state - 1]) : null,
  }));
  const rows = channels.map((channel) => ({
    label: `channel ${channel}`,
    pixels: states.map((state) =>
      planePixels(planes.plane(state, channel), planes.width, planes.height, limit),
    ),
  }));
  if (planes.channels >= 3) {
    rows.unshift({ label: 'colours (PCA)', pixels: principalPixels(planes, states) });
  }

  const facts = [
    `sample ${sample}`,
    `${plural(planes.channels, 'channel')} of ${planes.height} × ${planes.width}`,
    ...(states.length < planes.states ? [`${states.length} of ${planes.states} states`] : []),
    `orange −${format(limit)}, white 0, blue ${format(limit)}`,
  ].join('  ·  ');
  const warnings = stateWarnings(states, summaries);
  const description = `Grid of latents: ${rows.length} rows (channels), ${states.length} columns (states from noise to picture); ${facts}.`;
  const tiles = rows.map(({ label, pixels }) => ({ label, urls: pixels.map(tileUrl) }));
  const spec = chartSpec(
    { title, subtitle: facts, warnings, description },
    latentsView({ columns, rows: tiles, aspect: planes.height / planes.width, limit }),
  );
  const urls = frameUrls(rows.flatMap(({ pixels }) => pixels));
  const frames: FramesDocument = {
    version: 1,
    title,
    description: [description, ...warnings].join(' '),
    unit: 'state',
    labels: columns.map(frameLabel),
    tracks: rows.map(({ label }, row) => ({
      name: label,
      urls: urls.slice(row * states.length, (row + 1) * states.length),
    })),
    start: states.length - 1,
  };
  const text = [
    `${title}, ${facts}`,
    ...warnings.map((warning) => `⚠ ${warning}`),
    ...table(columns),
  ];
  return new Drawing({ name: 'latents', spec, text: text.join('\n'), frames });
}

/** `t 964: mean 0.01, std 1.02, log p -0.53`. */
function frameLabel({ label, mean, std, logProb }: LatentColumn): string {
  const facts = { mean, std, 'log p': logProb };
  const words = Object.entries(facts).flatMap(([name, value]) =>
    value === null ? [] : [`${name} ${format(value)}`],
  );
  return [label, words.join(', ')].filter(Boolean).join(': ');
}

function wholeState(planes: LatentStates, state: number): Float32Array {
  const area = planes.width * planes.height;
  const all = new Float32Array(area * planes.channels);
  for (let channel = 0; channel < planes.channels; channel++) {
    all.set(planes.plane(state, channel), channel * area);
  }
  return all;
}

/** Full colour at two and a half deviations of the widest state, a round number. */
function colourLimit(summaries: Summary[]): number {
  const widest = Math.max(
    ...summaries.map(({ mean, std }) => (Number.isFinite(std) ? Math.abs(mean) + 2.5 * std : 0)),
  );
  return widest > 0 ? Number(widest.toPrecision(2)) : 1;
}

function stateWarnings(states: number[], summaries: Summary[]): string[] {
  const first = summaries.findIndex(({ finite, count }) => finite < count);
  if (first < 0) return [];
  const { count, finite } = summaries[first];
  return [
    `From state ${states[first]} on, ${plural(count - finite, 'value')} of ${count} are NaN or infinite (black).`,
  ];
}

function table(columns: LatentColumn[]): string[] {
  const cell = (value: number | null) => (value === null ? '' : format(value)).padStart(9);
  const lines = columns.map(({ label, mean, std, min, max, logProb }) =>
    `${label.padEnd(9)}${[mean, std, min, max, logProb].map(cell).join('')}`.trimEnd(),
  );
  return [
    `state    ${['mean', 'std', 'min', 'max', 'log p'].map((name) => name.padStart(9)).join('')}`,
    ...lines,
  ];
}
