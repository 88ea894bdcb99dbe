import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { environmentChoice } from '../../core/environment-choice';
import { baseStepOf, hasReached } from './begun-elsewhere';
import { infoOrNull } from './checkpoint-info';
import { checkpointIn, checkpointsFrom, runOf } from './checkpoint-places';
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
  /** Whether a log that the folder holds is of a run that begins anew, from the checkpoint where there is one. */
  beginsAnew: boolean;
  /** What tells the run that the folder holds from this one, each in words: it is set aside. */
  differences: string[];
  /** Which of the trainings that this process begins in the folder it is, from 1. */
  training: number;
}

/**
 * `openRun` for runs that do not say whether they resume: where FLOWBOOK_RESUME is `auto`, as when a script is taken up again,
 * a run goes on with the checkpoint of its folder or name, if its settings are the same, and once a process: a second
 * training in the same folder is another run. One that began from a checkpoint of elsewhere, which `resume` names, goes on with what its own
 * folder holds since. A run that is not to be resumed begins in the place of one that another process left.
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
  const { resume } = options;
  const isNamed = typeof resume === 'string' && resume !== 'auto';
  if (
    (resume !== undefined && !isNamed) ||
    environmentChoice('FLOWBOOK_RESUME', ['auto']) === undefined
  ) {
    const opened = openRun(options);
    const beginsAnew = opened.checkpoint === null && Boolean(resume);
    return { ...opened, beginsAnew, differences: [], isFirst: false };
  }
  if (isNamed) return openBranch(options, resume, settings);
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

/**
 * A run that is to go on from a checkpoint by its path. Where its folder holds a run of the same settings that began from there, it
 * goes on with that run's own checkpoint; where that run has none yet, it begins in its place.
 */
function openBranch(
  options: RunOptions<never>,
  resume: string,
  settings: object,
): Omit<UnattendedRun, 'training'> & { isFirst: boolean } {
  const plain = { beginsAnew: false, differences: [], isFirst: false };
  const { runDirectory, runName } = options;
  const base = checkpointIn(resume);
  // By the path alone it writes into the run that the checkpoint is of.
  const isOfItsRun = !runDirectory && !runName && base !== null && runOf(base) !== null;
  if (base === null || isOfItsRun) return { ...openRun(options), ...plain };
  const own = openRun({ ...options, resume: 'auto' });
  const { folder } = own;
  const step = folder === null || taken.has(folder) ? null : baseStepOf(folder, base);
  const isReached = step !== null && own.checkpoint !== null && hasReached(step, own.checkpoint);
  const found = { folder, checkpoint: isReached ? own.checkpoint : null };
  const isOwn = step !== null && differencesFromRun(found, settings).length === 0;
  const fresh = own.checkpoint === null || isOwn ? { folder, checkpoint: base } : openRun(options);
  if (fresh.folder !== null) taken.add(fresh.folder);
  if (!isOwn) return { ...fresh, ...plain };
  if (!isReached) return { ...fresh, ...plain, beginsAnew: true, isFirst: true };
  process.stderr.write(`Goes on with "${folder}", which began from "${resume}"\n`);
  return { ...found, ...plain, isFirst: true };
}

/** By the newest checkpoint that can be read, where there is one: run.json may be of a run that ended before its first. */
function differencesFromRun({ folder, checkpoint }: OpenedRun, settings: object): string[] {
  const known = checkpoint === null ? [] : checkpointsFrom(checkpoint);
  const info = known.map(infoOrNull).find((one) => one !== null);
  const before = info?.settings ?? readRunRecord(folder!)?.trainer;
  if (before === undefined) return checkpoint === null ? [] : ['its settings are not known'];
  const { training = 1 } = info ?? {};
  const place =
    training === 1
      ? []
      : [`it was training ${training} of its program there, and this is the first`];
  return [...place, ...settingsThatDiffer(before, describeSettings(settings))];
}
