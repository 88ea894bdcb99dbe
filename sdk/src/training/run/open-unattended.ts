import { environmentChoice } from '../../core/environment-choice';
import { describeSettings } from './describe-settings';
import { settingsThatDiffer } from './run-basis';
import { openRun, type OpenedRun } from './run-folder';
import type { RunOptions } from './run-options';
import { readRunRecord } from './run-record';

/** Folders that a run of this process has been given. */
const taken = new Set<string>();

/**
 * `openRun` for runs that do not say whether they resume: where FLOWBOOK_RESUME is `auto`, as when a script is taken up again,
 * a run goes on with the checkpoint of its folder or name, if its settings are the same, and once a process: a second
 * training in the same folder is another run. Settings for which it begins anew are named on stderr.
 *
 * @throws When the variable says something else; as `openRun`.
 *
 * @returns Also whether a log that the folder holds is of a run that begins anew.
 */
export function openUnattended(
  options: RunOptions<never>,
  settings: object,
): OpenedRun & { beginsAnew: boolean } {
  if (
    options.resume !== undefined ||
    environmentChoice('FLOWBOOK_RESUME', ['auto']) === undefined
  ) {
    const opened = openRun(options);
    return { ...opened, beginsAnew: opened.checkpoint === null && Boolean(options.resume) };
  }
  const found = openRun({ ...options, resume: 'auto' });
  const isFirst = found.folder !== null && !taken.has(found.folder);
  const before = isFirst ? readRunRecord(found.folder!) : null;
  const others =
    before === null ? [] : settingsThatDiffer(before.trainer, describeSettings(settings));
  const isOwn = before !== null && others.length === 0;
  if (found.checkpoint !== null && others.length > 0) {
    process.stderr.write(
      `Begins anew, as the run of "${found.checkpoint}" had other settings (resume: 'auto' goes on with it all the same): ${others.join('; ')}\n`,
    );
  }
  const opened = found.checkpoint === null || isOwn ? found : openRun(options);
  if (opened.folder !== null) taken.add(opened.folder);
  return { ...opened, beginsAnew: isFirst && opened.checkpoint === null };
}
