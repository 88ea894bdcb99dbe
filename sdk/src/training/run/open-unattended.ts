import { describeSettings } from './describe-settings';
import { openRun, type OpenedRun } from './run-folder';
import type { RunOptions } from './run-options';
import { readRunRecord } from './run-record';

/** Folders that a run of this process has been given. */
const taken = new Set<string>();

/**
 * `openRun` for runs that do not say whether they resume: where FLOWBOOK_RESUME is `auto`, as when a script is taken up again,
 * a run goes on with the checkpoint of its folder or name, if its settings are the same, and once a process: a second
 * training in the same folder is another run.
 *
 * @returns Also whether a log that the folder holds is of a run that begins anew.
 */
export function openUnattended(
  options: RunOptions<never>,
  settings: object,
): OpenedRun & { beginsAnew: boolean } {
  if (options.resume !== undefined || process.env.FLOWBOOK_RESUME !== 'auto') {
    const opened = openRun(options);
    return { ...opened, beginsAnew: opened.checkpoint === null && Boolean(options.resume) };
  }
  const found = openRun({ ...options, resume: 'auto' });
  const isFirst = found.folder !== null && !taken.has(found.folder);
  const isOwn = isFirst && isSameRun(found.folder!, settings);
  const opened = found.checkpoint === null || isOwn ? found : openRun(options);
  if (opened.folder !== null) taken.add(opened.folder);
  return { ...opened, beginsAnew: isFirst && opened.checkpoint === null };
}

/** Whether the folder's run.json has these settings; the micro-batch size may have been measured. */
function isSameRun(folder: string, settings: object): boolean {
  const record = readRunRecord(folder);
  const text = ({ microBatchSize: _size, ...rest }: Record<string, unknown>): string =>
    JSON.stringify(Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1)));
  return record !== null && text(record.trainer) === text(describeSettings(settings));
}
