import { ANYTHING, checkOptions, type Rules } from '@flowbook/sdk/option-rules';
import { Drawing } from '../drawing';
import { type FramesDocument, frameUrls } from '../frames';
import { plural } from '../numbers';
import { refuse } from '../refuse';
import { requirePictures, requireRecord } from '../require-data';
import { chartSpec } from '../rendering/chart-spec';
import { imageGrid } from './image-cells';
import { imageLayers } from './image-layers';
import type { Picture, Verdict } from './picture';

/** The pictures of a run, in the order of the prompts. */
export interface ComparedRun {
  pictures: readonly Picture[];
  /** For each picture: passed or not, or a score. */
  verdicts?: readonly Verdict[];
}

/** Options of `comparePictures()`. */
export interface ComparePicturesOptions {
  /** What the pictures were asked for, one a place. */
  prompts: readonly string[];
  /** Screen pixels for each pixel of a picture. Default: pictures are about 96 pixels wide. */
  scale?: number;
  title?: string;
}

const rowWidth = 640;
const gap = 14;
const mostPairs = 60;
const action = 'compare pictures';

const RULES: Rules<ComparePicturesOptions> = {
  prompts: ANYTHING,
  scale: ANYTHING,
  title: ANYTHING,
};

/**
 * Pictures of the same prompts by several runs, side by side: before and after training, or two objectives. JupyterLab with
 * Flowbook's extension puts them over each other and goes from prompt to prompt.
 *
 * @param runs by name, each with a picture for each prompt.
 * @throws if there are fewer than two runs, or a run has other numbers of pictures or verdicts than prompts.
 * @example
 * const [blue, red] = [pixelImage(1, 1, [40, 40, 214]), pixelImage(1, 1, [214, 40, 40])];
 * const drawing = comparePictures(
 *   { before: { pictures: [blue], verdicts: [false] }, after: { pictures: [red], verdicts: [true] } },
 *   { prompts: ['a red square'] },
 * );
 */
export function comparePictures(
  runs: Readonly<Record<string, ComparedRun>>,
  options: ComparePicturesOptions,
): Drawing {
  checkOptions(action, options, RULES);
  const { prompts, scale, title = 'The same prompts, side by side' } = options;
  requireRecord(action, 'runs by name', runs);
  const names = Object.keys(runs);
  check(runs, names, prompts.length);
  const places = prompts.slice(0, mostPairs).map((_, place) => place);
  const of = (name: string, place: number) => ({
    picture: runs[name].pictures[place],
    verdict: runs[name].verdicts?.[place],
  });
  const items = places.flatMap((place) =>
    names.map((name, at) => ({
      ...of(name, place),
      caption: at === 0 ? `${name}: ${prompts[place]}` : name,
    })),
  );
  const widest = Math.max(...items.map(({ picture }) => picture.width));
  const size = scale ?? (widest <= 96 ? Math.floor(96 / widest) : 96 / widest);
  const fitting = Math.floor((rowWidth + gap) / (widest * size + gap));
  const columns = names.length * Math.max(1, Math.floor(fitting / names.length));
  const { cells, width, height } = imageGrid(items, size, columns);
  const facts = [
    plural(prompts.length, 'prompt'),
    ...names.map((name) => passText(name, runs[name])),
  ];
  const subtitle = facts.join('  ·  ');
  const warnings =
    prompts.length > mostPairs ? [`Only the first ${mostPairs} prompts are drawn.`] : [];
  const description = `${title}: ${subtitle}. ${prompts.slice(0, 12).join('; ')}`;
  const spec = chartSpec(
    { title, subtitle, warnings, description },
    { width, height, data: { values: cells }, layer: imageLayers(cells) },
  );
  const urls = frameUrls(
    names.flatMap((name) => places.map((place) => runs[name].pictures[place])),
  );
  const frames: FramesDocument = {
    version: 1,
    title,
    description,
    unit: 'prompt',
    labels: places.map((place) => prompts[place]),
    tracks: names.map((name, at) => ({
      name,
      urls: urls.slice(at * places.length, (at + 1) * places.length),
      notes: places.map((place) => verdictWord(runs[name].verdicts?.[place])),
    })),
    start: 0,
  };
  const lines = places.map((place) => {
    const verdicts = names.map((name) => [name, verdictWord(of(name, place).verdict)].join(' '));
    return `${place + 1}. ${prompts[place]}: ${verdicts.map((word) => word.trim()).join(', ')}`;
  });
  const text = [`${title}: ${subtitle}`, ...warnings.map((line) => `⚠ ${line}`), ...lines];
  return new Drawing({ name: 'compare-pictures', spec, text: text.join('\n'), frames });
}

function check(
  runs: Readonly<Record<string, ComparedRun>>,
  names: readonly string[],
  prompts: number,
): void {
  if (names.length < 2) refuse(action, 'there must be at least two runs', names.length);
  if (prompts === 0) refuse(action, 'there must be at least one prompt', 0);
  for (const name of names) {
    requireRecord(action, 'a run { pictures } of each name', runs[name]);
    const { pictures, verdicts } = runs[name];
    requirePictures(action, pictures);
    for (const [what, list] of Object.entries({ pictures, verdicts })) {
      if (list && list.length !== prompts) {
        refuse(
          action,
          `"${name}" must have as many ${what} as there are prompts (${prompts})`,
          list.length,
        );
      }
    }
  }
}

function passText(name: string, { verdicts }: ComparedRun): string {
  const judged = (verdicts ?? []).filter((verdict) => typeof verdict === 'boolean');
  if (judged.length === 0) return name;
  return `${name}: ${judged.filter(Boolean).length} of ${judged.length} pass`;
}

function verdictWord(verdict: Verdict): string {
  if (typeof verdict === 'boolean') return verdict ? '✓' : '✗';
  return verdict === null || verdict === undefined ? '' : String(verdict);
}
