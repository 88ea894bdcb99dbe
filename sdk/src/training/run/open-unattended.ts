import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { environmentChoice } from '../../core/environment-choice';
import { checkpointsFrom } from './checkpoint-places';
import { readCheckpointInfo, type CheckpointInfo } from './checkpoint-info';
import { describeSettings } from './describe-settings';
import { settingsThatDiffer } from './run-basis';
import { openRun, type OpenedRun } from './run-folder';
import { RUN_FILES } from './run-files';
import type { RunOptions } from './run-options';
import { readRunRecord } from './run-record';

/** Folders that a run of this process has been given where FLOWBOOK_RESUME is `auto`. */
const taken = new Set<string>();

/** How many trainings this process has begun in a folder, by its full path. */
const begun = new Map<string, number>();

/** A run's folder as it was opened. */
export interface UnattendedRun extends OpenedRun {
  /** Whether a log that the folder holds is of a run that begins anew. */
  beginsAnew: boolean;
  /** What tells the run that the folder holds from this one, each in words: it is set aside. */
  differences: string[];
  /** Which of the trainings that this process begins in the folder it is, from 1. */
  training: number;
}

/**
 * `openRun` for runs that do not say whether they resume: where FLOWBOOK_RESUME is `auto`, as when a script is taken up again,
 * a run goes on with the checkpoint of its folder or name, if its settings are the same, and once a process: a second
 * training in the same folder is another run. A run that is not to be resumed begins in the place of one that another process left.
 *
 * @throws When the variable says something else; as `openRun`.
 */
export function openUnattended(options: RunOptions<never>, settings: object): UnattendedRun {
  const { isFirst, ...opened } = openAny(options, settings);
  const { folder, checkpoint } = opened;
  const before = folder === null ? undefined : begun.get(folder);
  const training = isFirst ? 1 : (before ?? 0) + 1;
  const isAnothers = !isFirst && before === undefined && checkpoint === null && !options.resume;
  const isTakenOver = isAnothers && folder !== null && existsSync(join(folder, RUN_FILES.record));
  if (!isTakenOver) return { ...opened, training };
  return { ...opened, beginsAnew: true, differences: ['resume was not asked for'], training };
}

/** Counts a training once it has begun: one that is refused leaves the folder as it is. @param training As its checkpoints say. */
export function countTraining(folder: string, training: number): void {
  begun.set(folder, training);
}

function openAny(
  options: RunOptions<never>,
  settings: object,
): Omit<UnattendedRun, 'training'> & { isFirst: boolean } {
  if (
    options.resume !== undefined ||
    environmentChoice('FLOWBOOK_RESUME', ['auto']) === undefined
  ) {
    const opened = openRun(options);
    const beginsAnew = opened.checkpoint === null && Boolean(options.resume);
    return { ...opened, beginsAnew, differences: [], isFirst: false };
  }
  const found = openRun({ ...options, resume: 'auto' });
  const isFirst = found.folder !== null && !taken.has(found.folder);
  const differences = isFirst ? differencesFromRun(found, settings) : [];
  const isOwn = isFirst && differences.length === 0;
  const opened = found.checkpoint === null || isOwn ? found : openRun(options);
  if (opened.folder !== null) taken.add(opened.folder);
  // A run by name begins in a folder of its own.
  const isElsewhere = opened.folder !== found.folder;
  if (isElsewhere && differences.length > 0) {
    process.stderr.write(
      `Begins anew in "${opened.folder}", as the run before was another (resume: "${found.folder}" goes on with it all the same): ${differences.join('; ')}\n`,
    );
  }
  return {
    ...opened,
    beginsAnew: isFirst && opened.checkpoint === null,
    differences: isElsewhere ? [] : differences,
    isFirst,
  };
}

/** By the newest checkpoint that can be read, where there is one: run.json may be of a run that ended before its first. */
function differencesFromRun({ folder, checkpoint }: OpenedRun, settings: object): string[] {
  const known = checkpoint === null ? [] : checkpointsFrom(checkpoint);
  const info = known.map(infoOf).find((one) => one !== null);
  const before = info?.settings ?? readRunRecord(folder!)?.trainer;
  if (before === undefined) return checkpoint === null ? [] : ['its settings are not known'];
  const { training = 1 } = info ?? {};
  const place =
    training === 1
      ? []
      : [`it was training ${training} of its program there, and this is the first`];
  return [...place, ...settingsThatDiffer(before, describeSettings(settings))];
}

function infoOf(checkpoint: string): CheckpointInfo | null {
  try {
    return readCheckpointInfo(checkpoint);
  } catch {
    // A broken one is named when a whole one is chosen.
    return null;
  }
}
