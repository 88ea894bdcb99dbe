import { existsSync, realpathSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { BestStep } from './best-step';
import { writeCheckpoint } from './checkpoint-files';
import {
  abandonCheckpoints,
  checkpointsOf,
  copyCheckpoint,
  forgetAbandoned,
  runOf,
} from './checkpoint-places';
import { CheckpointWriter } from './checkpoint-writer';
import { isWholeOf, type ChosenCheckpoint } from './choose-checkpoint';
import { pictureIndex } from './picture-files';
import type { RecordedTrainer } from './recorded-trainer';
import { resumeTrainer } from './resume-trainer';
import { describeBasis } from './run-basis';
import { RUN_FILES } from './run-files';
import type { RunLog } from './run-log';
import type { RunOptions } from './run-options';

/** Steps between two checkpoints when nothing else is said. */
const CHECKPOINT_STEPS = 10;

/** Checkpoints that stay when nothing else is said: one more in case the last is broken. */
const CHECKPOINTS_KEPT = 2;

/** A run's checkpoints in its folder, the last ones and the best one: makes them of a trainer, and gives it the state of one. */
export class RunCheckpoints {
  /** Steps between two; null: none are made. */
  readonly everySteps: number | null;
  /** Which of the trainings in the folder they are of, from 1. */
  training = 1;
  readonly #trainer: RecordedTrainer;
  readonly #kept: number;
  readonly #folder: string | null;
  readonly #log: RunLog;
  readonly #writer = new CheckpointWriter();
  /** The step that the last checkpoint is of. */
  #savedStep = 0;
  /** Of the checkpoint that it goes on from. */
  #resumedRun: string | null = null;
  #resumedStep = 0;

  constructor(
    trainer: RecordedTrainer,
    options: Pick<RunOptions<never>, 'checkpointEverySteps' | 'checkpointsKept'>,
    { folder, log }: { folder: string | null; log: RunLog },
  ) {
    const { checkpointEverySteps = CHECKPOINT_STEPS, checkpointsKept = CHECKPOINTS_KEPT } = options;
    this.everySteps = checkpointEverySteps;
    this.#kept = checkpointsKept;
    this.#trainer = trainer;
    this.#folder = folder;
    this.#log = log;
  }

  /**
   * Gives the trainer the state of a checkpoint; later ones of the run are set aside where it goes on in its folder.
   *
   * @returns The step that it goes on after.
   */
  resume(checkpoint: ChosenCheckpoint): number {
    resumeTrainer(this.#trainer, checkpoint);
    const { place, info, broken } = checkpoint;
    const folder = this.#folder;
    const run = runOf(place);
    this.#resumedRun = run;
    this.#resumedStep = info.step;
    if (run === null || folder === null) return info.step;
    if (realpathSync(run) !== realpathSync(folder)) {
      // The folder's log begins with that run's, and has nothing else.
      this.training = 1;
      const last = this.#placeOf('last')!;
      // An attempt that ended before its first step has left it.
      if (isWholeOf(info.step, last)) this.#savedStep = info.step;
      return info.step;
    }
    this.training = info.training ?? 1;
    abandonCheckpoints(folder, { step: info.step, training: this.training });
    for (const one of broken) {
      const there = resolve(folder, RUN_FILES.checkpoints, basename(one));
      // The place of one that was set aside is the next good one's.
      if (existsSync(there)) this.#writer.broken.add(there);
    }
    // It is there as it is.
    if (basename(place) === 'last') this.#savedStep = info.step;
    return info.step;
  }

  /** Sees to it that a resumed run has the weights that were best in the log it begins with, where they are still somewhere. */
  async keepBest(best: BestStep | null): Promise<void> {
    const place = this.#placeOf('best');
    if (best === null || place === null || this.everySteps === null) return;
    const { step } = best;
    if (isWholeOf(step, place)) return;
    if (step === this.#trainer.stepsDone) return this.save('best');
    const others = this.#resumedRun === null ? [] : checkpointsOf(this.#resumedRun);
    const source = others.find((one) => resolve(one) !== resolve(place) && isWholeOf(step, one));
    if (source !== undefined) await copyCheckpoint(source, place, this.#writer.broken);
  }

  /** Makes one of the step that is done, in the background. It belongs to a line of the log: in the middle of a step none is made. */
  async save(name: 'last' | 'best'): Promise<void> {
    const { state, stepsDone: step, seconds, settings } = this.#trainer;
    const folder = this.#folder;
    const { lines, path } = this.#log;
    if (folder === null || path === null || this.everySteps === null || state === null) return;
    if (step === 0 || lines[lines.length - 1]?.step !== step) return;
    // A second copy of the same step would push out one before it.
    if (name === 'last' && step === this.#savedStep) return;
    const { seed } = settings;
    const trainer = this.#trainer.constructor.name;
    const basis = describeBasis(this.#trainer);
    const { training } = this;
    const info = { ...this.#trainer.position, step, seconds, seed, trainer, training, ...basis };
    await writeCheckpoint(this.#placeOf(name)!, state, info, {
      writer: this.#writer,
      kept: name === 'last' ? this.#kept : 1,
      after: [path, pictureIndex(folder)],
      ...(step > this.#resumedStep && { then: () => forgetAbandoned(folder) }),
    });
    if (name === 'last') this.#savedStep = step;
  }

  /** Goes by what another has made for the same trainer in the same folder. */
  goOn(before: RunCheckpoints): void {
    this.#savedStep = before.#savedStep;
    this.#resumedStep = before.#resumedStep;
  }

  /** Has the last checkpoint made once more, as it may not be on disk. */
  missLast(): void {
    this.#savedStep = 0;
  }

  /** Throws what the one that was made last failed by, once. */
  throwIfFailed(): void {
    this.#writer.throwIfFailed();
  }

  /** Waits until all is on disk. Throws what it failed by, once. */
  settle(): Promise<void> {
    return this.#writer.settle();
  }

  #placeOf(name: 'last' | 'best'): string | null {
    return this.#folder && join(this.#folder, RUN_FILES.checkpoints, name);
  }
}
