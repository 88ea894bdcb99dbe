import { observer, onAbort } from '@flowbook/sdk';
import { isOver, type Job, type JobStatus, type Launcher } from './launcher';

/** How a job is watched. */
export interface FollowOptions {
  /** Sees what runs print; `task` is their number. What it throws is said on stderr, once, as what `onEvent` throws. */
  onText: (text: string, task: number) => void;
  /** Sees what becomes of runs. */
  onEvent?: (words: string) => void;
  /** Stops all runs when it is aborted, and waits for their checkpoints. */
  signal: AbortSignal;
  /** Times that a run whose machine is gone is handed over anew. Default 3. */
  resubmissions?: number;
  /** Milliseconds between two looks. Default 1000. */
  everyMs?: number;
}

/** Looks in a row that may fail, each after a longer pause: a cluster's server may restart within some minutes. */
const MOST_FAILED_LOOKS = 10;

/**
 * Submits a job and watches it to its end: prints what it prints, stops it when asked, and hands a run over again that was lost
 * with its machine, to go on from its last checkpoint. A cluster that cannot be asked, be it for a look or a stop, is asked again;
 * for such a resubmission only by a launcher that finds what was accepted without an answer, as two runs would write to one folder.
 *
 * @returns How each task ended.
 * @throws What the launcher throws when it cannot take the job, ten times in a row later, or for a resubmission it may not repeat.
 */
export async function runJob(
  launcher: Launcher,
  job: Job,
  options: FollowOptions,
): Promise<JobStatus[]> {
  const onText = observer(options.onText, 'What shows texts of runs', 'the job');
  const onEvent = observer(options.onEvent, 'What watches runs', 'the job');
  const ids = await launcher.submit(job, { resume: false });
  onEvent(`Submitted on ${launcher.name}: ${ids.join(', ')}`);
  const watched = { ...options, onText, onEvent };
  return Promise.all(ids.map((id, task) => followTask(launcher, job, task, id, watched)));
}

async function followTask(
  launcher: Launcher,
  job: Job,
  task: number,
  firstId: string,
  {
    onText,
    onEvent,
    signal,
    resubmissions = 3,
    everyMs = 1000,
  }: Required<Pick<FollowOptions, 'onEvent'>> & FollowOptions,
): Promise<JobStatus> {
  let id = firstId;
  let shown = 0;
  let isStopping = false;
  /** A log of its own, except where the lost one's is written on. */
  let isNewLog = false;
  for (let losses = 0, failed = 0; ;) {
    let status: JobStatus;
    let next: string | null = null;
    let mayAskAgain = true;
    try {
      if (signal.aborted && !isStopping) {
        await launcher.stop(id);
        isStopping = true;
      }
      if (isNewLog) shown = Math.min(shown, (await launcher.log(id)).length);
      isNewLog = false;
      status = await launcher.status(id);
      const text = await launcher.log(id);
      if (text.length > shown) onText(text.slice(shown), task);
      shown = text.length;
      if (status.state === 'lost' && !signal.aborted && losses < resubmissions) {
        mayAskAgain = launcher.findsSubmitted ?? false;
        [next] = await launcher.submit({ ...job, tasks: [job.tasks[task]] }, { resume: true });
      }
      failed = 0;
    } catch (error) {
      failed += 1;
      if (!mayAskAgain || failed >= MOST_FAILED_LOOKS) throw error;
      onEvent(`Task ${task} is asked about again: ${(error as Error).message}`);
      await pause(everyMs * 2 ** Math.min(failed, 6), signal, isStopping);
      continue;
    }
    if (next !== null) {
      losses += 1;
      onEvent(`Task ${task} was lost (${status.detail}): goes on as ${next}`);
      id = next;
      isNewLog = true;
      continue;
    }
    if (isOver(status)) return status;
    await pause(everyMs, signal, isStopping);
  }
}

/** Waits, and no longer than to the moment when a run is to be stopped. */
function pause(milliseconds: number, signal: AbortSignal, isStopping: boolean): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      stopWaiting();
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    const stopWaiting = isStopping ? () => {} : onAbort(signal, done);
  });
}
