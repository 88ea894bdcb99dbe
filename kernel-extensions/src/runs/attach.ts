import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import {
  RUN_FILES,
  cellSignal,
  isRunning,
  readImage,
  readRunLog,
  readRunPictures,
  readRunRecord,
  type PixelImage,
  type RunRecord,
} from '@flowbook/sdk';
import { ANYTHING, checkOptions, type Rules } from '@flowbook/sdk/option-rules';
import type { TimelinePicture } from '../display/charts/picture-timeline';
import {
  trainingDisplay,
  TRAINING_DISPLAY_RULES,
  type TrainingDisplayOptions,
} from '../display/training-display';

/** Options of `attach()`. */
export interface AttachOptions extends TrainingDisplayOptions {
  /** Stops following; the run goes on. Default: the running cell's signal. */
  signal?: AbortSignal | null;
  /** Time between two looks into the folder in milliseconds. Default 1000. */
  pollMs?: number;
  /** Follow a run that goes on, until it ends. Default true; false shows it as it stands. */
  follow?: boolean;
}

const RULES: Rules<AttachOptions> = {
  ...TRAINING_DISPLAY_RULES,
  signal: ANYTHING,
  pollMs: ANYTHING,
  follow: ANYTHING,
};

/**
 * Shows a run from its folder, one that goes on in another process or kernel, or one that has ended: what `trainingDisplay()`
 * shows. Follows it until it ends, or the signal is aborted.
 *
 * @param folder The run's, with its run.json.
 * @returns run.json as it was read last. A run whose process is gone without a word is shown as `lost`.
 * @throws When the folder is not a run's.
 * @example
 * const run = { prompts: ['a red circle'], reward: 'redness', groupSize: 2, steps: 2 };
 * const { folder } = await trainFlowGRPO(pipeline, { ...run, runDirectory: 'runs/attached' });
 * const { state } = await attach(folder as string);
 * state; // 'finished'
 */
export async function attach(folder: string, all: AttachOptions = {}): Promise<RunRecord> {
  checkOptions('attach to a run', all, RULES);
  const { signal = cellSignal(), pollMs = 1000, follow = true, ...options } = all;
  const live = trainingDisplay(options);
  const read = pictureReader(folder);
  for (;;) {
    // The record first: what it says has ended has written all the rest before.
    const record = readRunRecord(folder);
    if (record === null) {
      throw new Error(
        `Cannot attach to a run as its folder must hold ${RUN_FILES.record}: current value is "${folder}"`,
      );
    }
    const goesOn = isRunning(record);
    const state = goesOn || record.state !== 'running' ? record.state : 'lost';
    const { lines, alarms } = readRunLog(folder);
    live.show({ log: lines, alarms, steps: record.steps, pictures: await read(), state });
    if (!goesOn || !follow || signal?.aborted) {
      await live.finish(state);
      return record;
    }
    // An aborted signal ends the wait, and the loop after a last look.
    await setTimeout(pollMs, null, { signal: signal ?? undefined }).catch(() => {});
  }
}

/** Reads the pictures of a run, each file once; those that were removed since it kept them are left out. */
function pictureReader(folder: string): () => Promise<TimelinePicture[]> {
  const known = new Map<string, PixelImage>();
  return async () => {
    const pictures: TimelinePicture[] = [];
    for (const { file, ...picture } of readRunPictures(folder)) {
      const path = join(folder, RUN_FILES.pictures, file);
      if (!known.has(file) && !existsSync(path)) continue;
      const image = known.get(file) ?? (await readImage(path));
      known.set(file, image);
      pictures.push({ ...picture, image });
    }
    return pictures;
  };
}
