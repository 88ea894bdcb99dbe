import { ANYTHING, checkOptions, type Rules } from '@flowbook/sdk/option-rules';
import { Drawing } from '../drawing';
import { type FramesDocument, frameUrls } from '../frames';
import { format, plural } from '../numbers';
import { refuse } from '../refuse';
import { requirePictures } from '../require-data';
import { chartSpec } from '../rendering/chart-spec';
import type { Pixels } from '../rendering/encode-png';
import { wrapText } from '../rendering/wrap-text';
import { filmstripView, largeWidth, noteLines, noteSize, noteWidth } from './filmstrip-view';
import { planePixels, principalPixels } from './latent-tiles';
import type { Picture } from './picture';
import { requireTrajectory, rowOf, spread, stateLabel, type Trajectory } from './trajectory';
import { unpackLatents } from './unpack-latents';

/** Options of `filmstrip()`. */
export interface FilmstripOptions {
  /** A line for each frame, such as its noise level. Default: of a trajectory its timesteps, of pictures their numbers. */
  labels?: readonly string[];
  /** A remark for each frame, shown beside it. Default: none. */
  captions?: readonly string[];
  /** Of a trajectory: the row of the batch. Default 0. */
  sample?: number;
  /** Of a trajectory: rows and columns of packed tokens. Default: the squarest grid. */
  grid?: readonly [rows: number, columns: number];
  title?: string;
}

/** More frames than this are too small to be seen in the strip; evenly chosen ones are kept. */
const mostFrames = 60;
const action = 'draw a filmstrip';

const RULES: Rules<FilmstripOptions> = {
  labels: ANYTHING,
  captions: ANYTHING,
  sample: ANYTHING,
  grid: ANYTHING,
  title: ANYTHING,
};

/**
 * A way from noise to picture as a filmstrip, with a slider that goes through it frame by frame. Takes the decoded pictures
 * of its states; or a trajectory, whose latents are drawn as colours (principal components), which needs no autoencoder.
 *
 * @throws if there are no frames, they differ in size, or labels or captions are not as many as the frames.
 * @example
 * const frames = [40, 120, 214].map((red) => pixelImage(1, 1, [red, 40, 40]));
 * const drawing = filmstrip(frames, { labels: ['sigma 1', 'sigma 0.5', 'sigma 0'] });
 */
export function filmstrip(
  frames: readonly Picture[] | Trajectory,
  options: FilmstripOptions = {},
): Drawing {
  const { title = 'From noise to picture' } = options;
  const isPictures = isList(frames);
  if (isPictures) requirePictures(action, frames);
  else requireTrajectory(action, frames);
  const all = isPictures ? frames : latentFrames(frames, options);
  check(all, options);
  const shown = spread(all.length, mostFrames);
  const names = options.labels ?? (isPictures ? numbers(all.length) : timesOf(frames, options));
  const labels = shown.map((at) => names[at]);
  const captions = shown.map((at) => options.captions?.[at] ?? '');
  const pictures = shown.map((at) => all[at]);
  const { width, height } = all[0];
  const facts = [
    `${plural(all.length, 'frame')} of ${width} × ${height}`,
    ...(shown.length < all.length ? [`${shown.length} of them are shown`] : []),
    ...(isPictures ? [] : [`sample ${options.sample ?? 0}, latents as colours (PCA)`]),
  ].join('  ·  ');
  const description = `Filmstrip, ${facts}, from ${labels[0]} to ${labels[labels.length - 1]}.`;
  const spec = chartSpec(
    { title, subtitle: facts, description },
    filmstripView(
      frameUrls(pictures, largeWidth).map((url, frame) => ({
        frame,
        url,
        label: labels[frame],
        note: wrapText(captions[frame], noteWidth, noteSize, noteLines).join('\n'),
      })),
      height / width,
    ),
  );
  const document: FramesDocument = {
    version: 1,
    title,
    description,
    unit: 'frame',
    labels,
    tracks: [
      {
        name: 'frames',
        urls: frameUrls(pictures),
        ...(options.captions !== undefined && { notes: captions }),
      },
    ],
    start: pictures.length - 1,
  };
  const lines = labels.map((label, at) => [label, captions[at]].filter(Boolean).join(': '));
  const text = [`${title}, ${facts}`, ...lines].join('\n');
  return new Drawing({ name: 'filmstrip', spec, text, frames: document });
}

function check(frames: readonly Pixels[], options: FilmstripOptions): void {
  checkOptions(action, options, RULES);
  const { labels, captions } = options;
  if (frames.length === 0) refuse(action, 'there must be at least one frame', 0);
  const [{ width, height }] = frames;
  const other = frames.find((frame) => frame.width !== width || frame.height !== height);
  if (other) {
    refuse(
      action,
      `all frames must be ${width} x ${height} pixels`,
      `${other.width} x ${other.height}`,
    );
  }
  for (const [name, list] of Object.entries({ labels, captions })) {
    if (list && list.length !== frames.length) {
      refuse(action, `${name} must be as many as the frames (${frames.length})`, list.length);
    }
  }
}

/** The states of a trajectory as pictures: colours, or with fewer than three channels the first one. */
function latentFrames(trajectory: Trajectory, { sample = 0, grid }: FilmstripOptions): Pixels[] {
  const planes = unpackLatents(trajectory.all_latents, sample, grid);
  const states = Array.from({ length: planes.states }, (_, state) => state);
  if (planes.channels >= 3) return principalPixels(planes, states);
  return states.map((state) => planePixels(planes.plane(state, 0), planes.width, planes.height, 3));
}

function timesOf({ all_latents, all_timesteps }: Trajectory, { sample = 0 }: FilmstripOptions) {
  const states = all_latents.shape[1];
  const timesteps = rowOf(all_timesteps, sample);
  return Array.from({ length: states }, (_, state) => stateLabel(state, states, timesteps));
}

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `frame ${format(at + 1)} of ${format(count)}`);
}

/** `Array.isArray` tells no list of read-only items from what is none. */
function isList(frames: readonly Picture[] | Trajectory): frames is readonly Picture[] {
  return Array.isArray(frames);
}
