import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PixelImage } from '../../core/pixel-image';
import { appendJsonLine } from '../../io/append-json-line';
import { toPng } from '../../io/image-file';
import { readJsonLines } from '../../io/json-lines';
import type { EvaluationReport } from '../evaluate-policy';
import { RUN_FILES } from './run-folder';

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

/** A kept picture with its bytes. */
export interface KeptPicture extends RunPicture {
  image: PixelImage;
  png: Buffer;
}

const INDEX = 'index.jsonl';

/** The first picture of each of the first prompts of an evaluation. */
function picturesToKeep({ groups }: EvaluationReport, count: number): number[] {
  return groups
    .flatMap((group, row) => (groups.indexOf(group) === row ? [row] : []))
    .slice(0, count);
}

/**
 * Writes pictures of an evaluation as PNG and adds them to the index.
 *
 * @param folder The run's.
 */
export async function keepPictures(
  folder: string,
  step: number,
  report: EvaluationReport,
  count: number,
): Promise<KeptPicture[]> {
  const directory = join(folder, RUN_FILES.pictures);
  mkdirSync(directory, { recursive: true });
  const kept: KeptPicture[] = [];
  for (const [place, row] of picturesToKeep(report, count).entries()) {
    const image = report.images[row];
    const png = await toPng(image);
    const picture: RunPicture = {
      step,
      place,
      file: `step-${String(step).padStart(6, '0')}-${String(place).padStart(2, '0')}.png`,
      prompt: report.prompts[row].prompt,
      reward: report.rewards[row],
      verdict: report.verdicts?.[row] ?? null,
    };
    writeFileSync(join(directory, picture.file), png);
    appendJsonLine(join(directory, INDEX), picture);
    kept.push({ ...picture, image, png });
  }
  return kept;
}

/**
 * The pictures that a run has kept, in order. A step that a resumed run did again counts once, as it came last.
 *
 * @param folder The run's.
 * @example
 * readRunPictures('runs/none'); // []
 */
export function readRunPictures(folder: string): RunPicture[] {
  const index = join(folder, RUN_FILES.pictures, INDEX);
  if (!existsSync(index)) return [];
  const byFile = new Map<string, RunPicture>();
  for (const picture of readJsonLines(index) as RunPicture[]) byFile.set(picture.file, picture);
  return [...byFile.values()].sort((a, b) => a.step - b.step || a.place - b.place);
}
