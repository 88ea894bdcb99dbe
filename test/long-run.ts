import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Whether this is `npm run test:long`. */
export const isLong = process.env.FLOWBOOK_LONG === '1';

/** Whether this is `npm run test:fast`. */
export const isFast = process.env.FLOWBOOK_FAST === '1';

/** Where long runs leave their results. */
const folder = process.env.FLOWBOOK_TEST_RESULTS ?? join(__dirname, '..', 'test-results');

/** What a run has done so far, as its JSON file holds it. */
interface Progress<Result> {
  /** Everything that is to be done, so that a file of other settings is not continued. */
  of: string;
  isFinished: boolean;
  results: Record<string, Result>;
}

/**
 * Runs `work` for each id and keeps every result in `test-results/<name>.json` as it comes. A long run that was stopped
 * goes on where it was; one that had finished, or had other ids, begins anew. Short runs always begin anew and leave no
 * file.
 *
 * @returns All results by id, those of an earlier process included.
 */
export async function runResumably<Result>(
  name: string,
  ids: readonly string[],
  work: (id: string) => Promise<Result>,
): Promise<Record<string, Result>> {
  const file = join(folder, `${name}.json`);
  const of = `${ids.length} from ${ids[0]} to ${ids.at(-1)}`;
  const progress: Progress<Result> = readProgress<Result>(file, of) ?? {
    of,
    isFinished: false,
    results: {},
  };
  for (const [index, id] of ids.entries()) {
    if (!(id in progress.results)) progress.results[id] = await work(id);
    progress.isFinished = index === ids.length - 1;
    if (isLong) writeWhole(file, progress);
  }
  return progress.results;
}

function readProgress<Result>(file: string, of: string): Progress<Result> | null {
  if (!isLong || !existsSync(file)) return null;
  const progress = JSON.parse(readFileSync(file, 'utf8')) as Progress<Result>;
  return progress.isFinished || progress.of !== of ? null : progress;
}

function writeWhole(file: string, content: unknown): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${file}.new`, `${JSON.stringify(content, null, 1)}\n`);
  renameSync(`${file}.new`, file);
}
