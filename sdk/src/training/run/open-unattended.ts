import { environmentChoice } from '../../core/environment-choice';
import { readCheckpointInfo } from './checkpoint-info';
import { describeSettings } from './describe-settings';
import { settingsThatDiffer } from './run-basis';
import { openRun, type OpenedRun } from './run-folder';
import type { RunOptions } from './run-options';
import { readRunRecord } from './run-record';

/** Folders that a run of this process has been given. */
const taken = new Set<string>();

/** A run's folder as it was opened. */
export interface UnattendedRun extends OpenedRun {
  /** Whether a log that the folder holds is of a run that begins anew. */
  beginsAnew: boolean;
  /** What tells the run that the folder holds from this one, each in words: it is set aside. */
  differences: string[];
}

/**
 * `openRun` for runs that do not say whether they resume: where FLOWBOOK_RESUME is `auto`, as when a script is taken up again,
 * a run goes on with the checkpoint of its folder or name, if its settings are the same, and once a process: a second
 * training in the same folder is another run.
 *
 * @throws When the variable says something else; as `openRun`.
 */
export function openUnattended(options: RunOptions<never>, settings: object): UnattendedRun {
  if (
    options.resume !== undefined ||
    environmentChoice('FLOWBOOK_RESUME', ['auto']) === undefined
  ) {
    const opened = openRun(options);
    const beginsAnew = opened.checkpoint === null && Boolean(options.resume);
    return { ...opened, beginsAnew, differences: [] };
  }
  const found = openRun({ ...options, resume: 'auto' });
  const isFirst = found.folder !== null && !taken.has(found.folder);
  const differences = isFirst ? differencesFromRun(found, settings) : [];
  const isOwn = isFirst && differences.length === 0;
  const opened = found.checkpoint === null || isOwn ? found : openRun(options);
  if (opened.folder !== null) taken.add(opened.folder);
  return {
    ...opened,
    beginsAnew: isFirst && opened.checkpoint === null,
    // A run by name begins in a folder of its own.
    differences: opened.folder === found.folder ? differences : [],
  };
}

/** By the checkpoint, where there is one: run.json may be of a run that ended before its first. */
function differencesFromRun({ folder, checkpoint }: OpenedRun, settings: object): string[] {
  const before =
    (checkpoint === null ? null : settingsOf(checkpoint)) ?? readRunRecord(folder!)?.trainer;
  if (before === undefined) return checkpoint === null ? [] : ['its settings are not known'];
  return settingsThatDiffer(before, describeSettings(settings));
}

function settingsOf(checkpoint: string): Record<string, unknown> | null {
  try {
    return readCheckpointInfo(checkpoint).settings ?? null;
  } catch {
    // A broken one is named when a whole one is chosen.
    return null;
  }
}
