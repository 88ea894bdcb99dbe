import { Drawing } from '../drawing';
import { compact, format, plural } from '../numbers';
import { chartSpec } from '../rendering/chart-spec';
import { summarise, type Summary } from '../statistics';
import { readNumbers, type TensorLike } from '../tensor-like';
import { type LatentColumn, latentsView } from './latents-view';
import { planeTile, principalTiles } from './latent-tiles';
import { type LatentStates, unpackLatents } from './unpack-latents';

/** What a rollout kept of its way from noise to picture: the `customOutput` of a pipeline. */
export interface Trajectory {
  /** Latents before the first kept step and after each: (B, W+1, S, C) packed, or (B, W+1, C, h, w). */
  readonly all_latents: TensorLike;
  /** The model's time at each kept step: (B, W), 1000 = pure noise. */
  readonly all_timesteps?: TensorLike | null;
  /** Log-probability of each kept step: (B, W), mean over the latent's numbers. */
  readonly all_log_probs?: TensorLike | null;
}

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
  const { sample = 0, title = 'Latents over denoising steps' } = options;
  const planes = unpackLatents(trajectory.all_latents, sample, options.grid);
  const channels = options.channels ?? range(Math.min(4, planes.channels));
  for (const channel of channels) {
    if (!(channel >= 0 && channel < planes.channels)) {
      throw new Error(
        `Cannot draw latents as channels must be 0 to ${planes.channels - 1}: current value is ${channel}`,
      );
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
    urls: states.map((state) =>
      planeTile(planes.plane(state, channel), planes.width, planes.height, limit),
    ),
  }));
  if (planes.channels >= 3) {
    rows.unshift({ label: 'colours (PCA)', urls: principalTiles(planes, states) });
  }

  const facts = [
    `sample ${sample}`,
    `${plural(planes.channels, 'channel')} of ${planes.height} × ${planes.width}`,
    ...(states.length < planes.states ? [`${states.length} of ${planes.states} states`] : []),
    `orange −${format(limit)}, white 0, blue ${format(limit)}`,
  ].join('  ·  ');
  const warnings = stateWarnings(states, summaries);
  const spec = chartSpec(
    {
      title,
      subtitle: facts,
      warnings,
      description: `Grid of latents: ${rows.length} rows (channels), ${states.length} columns (states from noise to picture); ${facts}.`,
    },
    latentsView({ columns, rows, aspect: planes.height / planes.width, limit }),
  );
  const text = [
    `${title}, ${facts}`,
    ...warnings.map((warning) => `⚠ ${warning}`),
    ...table(columns),
  ];
  return new Drawing({ name: 'latents', spec, text: text.join('\n') });
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

function rowOf(values: TensorLike | null | undefined, sample: number): number[] | null {
  if (!values) return null;
  const width = values.shape[values.shape.length - 1];
  const numbers = readNumbers(values);
  const rows = numbers.length / width;
  const start = Math.min(sample, rows - 1) * width;
  return Array.from({ length: width }, (_, i) => numbers[start + i]);
}

function stateLabel(state: number, states: number, timesteps: number[] | null): string {
  if (timesteps && state < timesteps.length) return `t ${format(Math.round(timesteps[state]))}`;
  return state === states - 1 ? 'last' : `state ${state}`;
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

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** At most `most` of `count` indices, evenly, with the first and the last. */
function spread(count: number, most: number): number[] {
  if (count <= most) return range(count);
  return range(most).map((index) => Math.round((index * (count - 1)) / (most - 1)));
}
