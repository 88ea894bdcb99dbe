import { ANYTHING, checkOptions, type Rules } from '@flowbook/sdk/option-rules';
import { Drawing } from '../drawing';
import { format, plural } from '../numbers';
import { refuse } from '../refuse';
import { isRecord, requireList } from '../require-data';
import { chartSpec } from '../rendering/chart-spec';
import { type ImageCell, imageGrid } from './image-cells';
import { imageLayers } from './image-layers';
import { isPicture, type Picture, type Verdict } from './picture';

/** A picture made of one of the same prompts again and again. */
export interface TimelinePicture {
  /** The training step that it was made at. */
  step: number;
  /** Its place among the pictures of a step: the same prompt stands at the same place. */
  place: number;
  prompt: string;
  image: Picture;
  reward?: number;
  /** Passed or not. */
  verdict?: Verdict;
}

/** Options of `pictureTimeline()`. */
export interface PictureTimelineOptions {
  /** Pictures in a row. Default: as many as fit into 640 pixels. */
  columns?: number;
  /** Screen pixels for each pixel of a picture. Default: pictures are about 128 pixels wide. */
  scale?: number;
  title?: string;
}

const action = 'draw pictures over a run';
/** Characters of all pictures together, below the megabyte that notebooks bear well. */
const mostCharacters = 650_000;
/** Of the line that says which step is shown. */
const labelHeight = 24;

const RULES: Rules<PictureTimelineOptions> = {
  columns: ANYTHING,
  scale: ANYTHING,
  title: ANYTHING,
};

/**
 * The pictures of fixed prompts over a run, a grid for each step that was evaluated, with a slider that goes through the
 * steps. As a PNG it shows the last ones.
 *
 * @throws if there are no pictures.
 * @example
 * const image = pixelImage(1, 1, [214, 40, 40]);
 * const drawing = pictureTimeline([
 *   { step: 0, place: 0, prompt: 'a red square', image, verdict: false },
 *   { step: 10, place: 0, prompt: 'a red square', image, verdict: true },
 * ]);
 */
export function pictureTimeline(
  pictures: readonly TimelinePicture[],
  options: PictureTimelineOptions = {},
): Drawing {
  checkOptions(action, options, RULES);
  const { columns, scale, title = 'Pictures over the run' } = options;
  requireList(action, 'pictures { step, place, prompt, image }', pictures, isTimelinePicture);
  if (pictures.length === 0) refuse(action, 'there must be at least one', 0);
  const all = [...new Set(pictures.map(({ step }) => step))].sort((a, b) => a - b);
  const widest = Math.max(...pictures.map(({ image }) => image.width));
  const size = scale ?? (widest <= 128 ? Math.floor(128 / widest) : 128 / widest);
  const { steps, grids } = fittingGrids(pictures, all, size, columns);
  const last = steps.length - 1;
  const cells = grids.flatMap((grid, shown) =>
    below(grid.cells).map((cell) => ({ ...cell, shown })),
  );
  const labels = steps.map((step, shown) => ({ shown, label: labelOf(pictures, step) }));
  const facts = [
    `${plural(all.length, 'evaluation')}, steps ${format(all[0])} to ${format(all[all.length - 1])}`,
    ...(steps.length < all.length ? [`${steps.length} of them are shown`] : []),
  ].join('  ·  ');
  const isShown = { filter: `datum.shown == evaluation` };
  const spec = chartSpec(
    {
      title,
      subtitle: facts,
      description: `${title}, ${facts}. ${labels[last].label}. ${promptsOf(pictures).slice(0, 12).join('; ')}`,
    },
    {
      params: [
        {
          name: 'evaluation',
          value: last,
          bind: { input: 'range', min: 0, max: Math.max(1, last), step: 1, name: 'evaluation ' },
        },
      ],
      width: Math.max(...grids.map(({ width }) => width)),
      height: labelHeight + Math.max(...grids.map(({ height }) => height)),
      data: { values: cells },
      transform: [isShown],
      layer: [
        ...imageLayers(cells),
        {
          data: { values: labels },
          transform: [isShown],
          mark: { type: 'text', align: 'left', baseline: 'top', fontWeight: 'bold', fontSize: 12 },
          encoding: { x: { value: 0 }, y: { value: 0 }, text: { field: 'label' } },
        },
      ],
    },
  );
  const text = [`${title}, ${facts}`, ...labels.map(({ label }) => label), ...promptsOf(pictures)];
  return new Drawing({ name: 'picture-timeline', spec, text: text.join('\n') });
}

/** Cells moved down, to leave room for the step's line. */
function below(cells: readonly ImageCell[]): ImageCell[] {
  return cells.map((cell) => ({
    ...cell,
    y: cell.y + labelHeight,
    bottom: cell.bottom + labelHeight,
    textY: cell.textY + labelHeight,
  }));
}

/** Grids of as many steps as a notebook bears: the last one, and every second, fourth, ... before it. */
function fittingGrids(
  pictures: readonly TimelinePicture[],
  all: readonly number[],
  scale: number,
  columns: number | undefined,
) {
  for (let stride = 1; ; stride *= 2) {
    const steps = all.filter((_, at) => (all.length - 1 - at) % stride === 0);
    const grids = steps.map((step) => imageGrid(itemsOf(pictures, step), scale, columns));
    const cells: ImageCell[] = grids.flatMap((grid) => grid.cells);
    const characters = cells.reduce((sum, { url }) => sum + url.length, 0);
    if (characters <= mostCharacters || steps.length === 1) return { steps, grids };
  }
}

const at = (pictures: readonly TimelinePicture[], step: number) =>
  pictures.filter((picture) => picture.step === step).sort((a, b) => a.place - b.place);

function itemsOf(pictures: readonly TimelinePicture[], step: number) {
  return at(pictures, step).map(({ image, prompt, verdict, reward }) => ({
    picture: image,
    caption: prompt,
    verdict: verdict ?? reward,
  }));
}

/** `step 40: mean reward 0.71, 5 of 8 pass`. */
function labelOf(pictures: readonly TimelinePicture[], step: number): string {
  const of = at(pictures, step);
  const rewards = of.map(({ reward }) => reward ?? NaN).filter(Number.isFinite);
  const judged = of.filter(({ verdict }) => typeof verdict === 'boolean');
  const mean = rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length;
  const facts = [
    ...(rewards.length > 0 ? [`mean reward ${format(mean)}`] : []),
    ...(judged.length > 0
      ? [`${judged.filter(({ verdict }) => verdict === true).length} of ${judged.length} pass`]
      : []),
  ];
  return `step ${step}${facts.length > 0 ? `: ${facts.join(', ')}` : ''}`;
}

/** The prompts in their places. */
function promptsOf(pictures: readonly TimelinePicture[]): string[] {
  const prompts = new Map(pictures.map(({ place, prompt }) => [place, prompt]));
  return [...prompts].sort(([a], [b]) => a - b).map(([place, prompt]) => `${place + 1}. ${prompt}`);
}

function isTimelinePicture(picture: TimelinePicture): boolean {
  return isRecord(picture) && typeof picture.step === 'number' && isPicture(picture.image);
}
