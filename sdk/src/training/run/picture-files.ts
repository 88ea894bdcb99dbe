import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { PixelImage } from '../../core/pixel-image';
import { appendJsonLine } from '../../io/append-json-line';
import { readImage, toPng } from '../../io/image-file';
import type { EvaluationReport } from '../evaluate-policy';
import { writeAtomically } from '../../io/write-atomically';
import { checkedLines, text, wholeFrom } from './checked-fields';
import { RUN_FILES } from './run-files';

/** A picture that a run has kept of an evaluation. */
export interface RunPicture {
  /** Steps done before the evaluation. */
  step: number;
  /** Its place among the pictures of the evaluation. */
  place: number;
  /** Name within the folder of pictures. */
  file: string;
  prompt: string;
  reward: number;
  /** Whether it is right; null when nothing judged it. */
  verdict: boolean | null;
}

/** What `keepPicture` calls its files: a picture lies in the run's folder of pictures and nowhere else. */
const FILE = /^step-\d{6,}-\d{2,}\.png$/;

/** In the order in which fields are written: a resumed run writes again what it has read, and its files are to be the same. */
const pictureSchema = z.object(
  {
    step: wholeFrom(0),
    place: wholeFrom(0),
    prompt: text,
    // A reward that was no number stands as null: JSON has no NaN.
    reward: z.number('must be a number, or null').nullable(),
    verdict: z.boolean('must be true, false or null').nullable(),
    file: z.string().regex(FILE, 'must be like "step-000010-00.png"'),
  },
  'must be an object',
);

/** A picture of an evaluation, to be looked at beside those of other evaluations. */
export interface KeptPicture extends Omit<RunPicture, 'file'> {
  image: PixelImage;
}

/** The file that says what a run's pictures are. @param folder The run's. */
export function pictureIndex(folder: string): string {
  return join(folder, RUN_FILES.pictures, 'index.jsonl');
}

/** The first pictures of the first prompts of an evaluation. */
export function picturesOf(
  step: number,
  { images, groups, prompts, rewards, verdicts }: EvaluationReport,
  count: number,
): KeptPicture[] {
  return groups
    .flatMap((group, row) => (groups.indexOf(group) === row ? [row] : []))
    .slice(0, count)
    .map((row, place) => ({
      step,
      place,
      prompt: prompts[row].prompt,
      reward: rewards[row],
      verdict: verdicts?.[row] ?? null,
      image: images[row],
    }));
}

/**
 * Writes a picture as PNG and adds it to the index.
 *
 * @param folder The run's.
 * @returns The PNG.
 */
export async function keepPicture(
  folder: string,
  { image, ...picture }: KeptPicture,
): Promise<Buffer> {
  const directory = join(folder, RUN_FILES.pictures);
  const pad = (value: number, length: number) => String(value).padStart(length, '0');
  const file = `step-${pad(picture.step, 6)}-${pad(picture.place, 2)}.png`;
  const png = await toPng(image);
  writeAtomically(join(directory, file), (append) => append(png));
  appendJsonLine(pictureIndex(folder), { ...picture, file });
  return png;
}

/**
 * The pictures that a run has kept, in order. A step that a resumed run did again counts once, as it came last.
 *
 * @param folder The run's.
 * @throws When a line of the index is not JSON, or a field of it breaks its rule; the message names file, line, field and value.
 * @example
 * readRunPictures('runs/none'); // []
 */
export function readRunPictures(folder: string): RunPicture[] {
  const index = pictureIndex(folder);
  if (!existsSync(index)) return [];
  const byFile = new Map<string, RunPicture>();
  for (const picture of checkedLines(pictureSchema, index)) {
    byFile.set(picture.file, { ...picture, reward: picture.reward ?? NaN });
  }
  return [...byFile.values()].sort((a, b) => a.step - b.step || a.place - b.place);
}

/** Leaves out of the index what a run does again after a step. The pictures themselves are written over. */
export function restartPictures(folder: string, lastStep: number): void {
  const index = pictureIndex(folder);
  if (!existsSync(index)) return;
  const lines = readRunPictures(folder).filter(({ step }) => step <= lastStep);
  const text = lines.map((picture) => `${JSON.stringify(picture)}\n`).join('');
  writeAtomically(index, (append) => append(Buffer.from(text)));
}

/** The pictures that a run has kept up to a step, with what they show; without those whose files were removed. */
export async function readKeptPictures(folder: string, lastStep: number): Promise<KeptPicture[]> {
  const kept = readRunPictures(folder)
    .filter(({ step }) => step <= lastStep)
    .map(({ file, ...picture }) => ({ ...picture, path: join(folder, RUN_FILES.pictures, file) }))
    .filter(({ path }) => existsSync(path));
  return Promise.all(
    kept.map(async ({ path, ...picture }) => ({ ...picture, image: await readImage(path) })),
  );
}
