import { resolve } from 'node:path';
import { withoutUndefined } from '../../core/without-undefined';
import { EventFile } from '../../io/tensorboard/event-file';
import type { EvaluationReport } from '../evaluate-policy';
import { isEvaluationDue } from '../evaluation-options';
import { EVALUATED } from '../log-names';
import { logLine, type LogLine } from '../step-report';
import { alarmsAtEnd, type AlarmLimits } from './alarms';
import { bestStep, checkBestMetric, requireMetric } from './best-step';
import { requireSavable } from './checkpoint-files';
import { removePartial, runOf } from './checkpoint-places';
import { chooseCheckpoint } from './choose-checkpoint';
import { describeConfiguration, describeSettings } from './describe-settings';
import { countTraining, openUnattended, type UnattendedRun } from './open-unattended';
import {
  keepPicture,
  picturesOf,
  readKeptPictures,
  restartPictures,
  type KeptPicture,
} from './picture-files';
import type { RecordedTrainer } from './recorded-trainer';
import { requireOwnFolder } from './require-own-folder';
import { RunCheckpoints } from './run-checkpoints';
import { RunLock } from './run-lock';
import { readTrainingLog, RunLog } from './run-log';
import type { RunOptions } from './run-options';
import {
  describeSurroundings,
  readRunRecord,
  writeRunRecord,
  type RunProgress,
  type RunRecord,
  type RunState,
} from './run-record';
import { setRunAside } from './set-run-aside';

/** Pictures of an evaluation that are kept when nothing else is said. */
const PICTURES_KEPT = 8;

/** Who has recorded each trainer last: others may have written into the same files. */
const recorderOf = new WeakMap<RecordedTrainer, RunRecorder>();

/**
 * Writes what a run leaves, into its folder where it has one: run.json, log.jsonl, checkpoints, pictures and TensorBoard's
 * events. And takes a run up again where it was stopped.
 */
export class RunRecorder {
  readonly log: RunLog;
  /** The first pictures of each evaluation. */
  readonly pictures: KeptPicture[] = [];
  readonly folder: string | null;
  readonly #trainer: RecordedTrainer;
  readonly #lock: RunLock | null;
  readonly #checkpoints: RunCheckpoints;
  #events: EventFile | null = null;
  readonly #options: RunOptions<never>;
  readonly #limits: Partial<AlarmLimits>;
  readonly #bestMetric: string;
  #record: RunRecord | null = null;
  /** Whether it is written how the run ended. */
  isClosed = false;
  /** Whether it goes on from a checkpoint. */
  isResumed = false;

  private constructor(
    trainer: RecordedTrainer,
    options: RunOptions<never>,
    folder: string | null,
    lock: RunLock | null,
  ) {
    this.#trainer = trainer;
    this.#options = options;
    this.#lock = lock;
    this.folder = folder;
    this.log = new RunLog(folder);
    this.#checkpoints = new RunCheckpoints(trainer, options, { folder, log: this.log });
    this.#bestMetric = options.bestMetric ?? EVALUATED;
    const { clipRatio = null, rolloutWorkers, maxStaleness = 0 } = trainer.settings;
    this.#limits = {
      replayGap: clipRatio,
      // Weights of an earlier step make a gap of their own.
      rolloutGap: maxStaleness === 0 ? (rolloutWorkers?.mostGap ?? null) : null,
      ...withoutUndefined(options.alarmLimits),
    };
  }

  /**
   * Opens the run's folder, which no other trainer may use meanwhile, and gives the trainer the state of the checkpoint that is
   * resumed from.
   *
   * @throws When there is nothing to resume from, it is broken, or of another run or model; and when the folder is another's.
   */
  static async open(trainer: RecordedTrainer, options: RunOptions<never>): Promise<RunRecorder> {
    checkBestMetric(options, trainer.settings.evaluation !== null);
    const opened = openUnattended(options, trainer.settings);
    const { folder } = opened;
    const lock = folder === null ? null : await RunLock.take(folder);
    try {
      const recorder = new RunRecorder(trainer, options, folder, lock);
      recorder.#start(opened);
      return recorder;
    } catch (error) {
      lock?.release();
      throw error;
    }
  }

  #start({ checkpoint: found, beginsAnew, differences, training }: UnattendedRun): void {
    const { folder } = this;
    const checkpoints = this.#checkpoints;
    checkpoints.training = training;
    const checkpoint = found === null ? null : chooseCheckpoint(found);
    if (checkpoint === null) this.#trainer.beginHere();
    if (folder !== null) {
      if (checkpoints.everySteps !== null) requireSavable(this.#trainer.parts.model);
      if (checkpoint !== null && !beginsAnew) requireOwnFolder(folder, checkpoint);
      removePartial(folder);
    }
    const run = checkpoint === null ? null : runOf(checkpoint.place);
    const resumedAfter = checkpoint === null ? null : checkpoints.resume(checkpoint);
    this.isResumed = checkpoint !== null;
    // What the folder holds is another training's where the checkpoint lies outside of a run: it stays.
    const startStep = run === null || resumedAfter === null ? null : resumedAfter + 1;
    if (run !== null && resumedAfter !== null) {
      this.log.restart(readTrainingLog(run, checkpoint?.info.training, resumedAfter));
    } else if (beginsAnew) {
      if (folder !== null && differences.length > 0) setRunAside(folder, differences);
      // A run that was to be resumed and was stopped before its first checkpoint begins anew, with its log.
      this.log.restart({ lines: [], alarms: [] });
    }
    const again = startStep ?? (beginsAnew ? 0 : null);
    if (folder !== null && again !== null) {
      // An evaluation that is made again keeps its pictures again.
      restartPictures(folder, this.unevaluated === null ? again - 1 : again - 2);
    }
    if (checkpoint === null && !beginsAnew && this.#trainer.stepsDone > 0) this.#goOn();
    recorderOf.set(this.#trainer, this);
    if (folder === null) return;
    this.#events = new EventFile(folder, { startStep });
    countTraining(folder, checkpoints.training);
  }

  /** Writes run.json as a run that goes on. @param steps The step that it ends with. */
  async begin(steps: number): Promise<void> {
    if (this.folder === null) return;
    const { settings, modelConfig, stepsDone } = this.#trainer;
    if (stepsDone > 0) this.pictures.push(...(await readKeptPictures(this.folder, stepsDone)));
    const before = stepsDone > 0 ? readRunRecord(this.folder) : null;
    this.#record = {
      ...this.#progress('running'),
      steps,
      started: before?.started ?? new Date().toISOString(),
      resumedAfter: [...(before?.resumedAfter ?? []), ...(stepsDone > 0 ? [stepsDone] : [])],
      seed: settings.seed,
      trainer: describeSettings(settings),
      model: modelConfig,
      configuration: describeConfiguration(this.#options.configuration ?? null),
      ...describeSurroundings(),
    };
    writeRunRecord(this.folder, this.#record);
    if (this.isResumed) await this.#checkpoints.keepBest(this.#best());
  }

  /** Records a line of the log, and an evaluation's pictures; looks for alarms; makes checkpoints that are due. */
  async step(line: LogLine, evaluation: EvaluationReport | null): Promise<void> {
    const { log, folder } = this;
    const checkpoints = this.#checkpoints;
    this.#lock?.requireHeld();
    try {
      // First, so that an evaluation which the log has is not without its pictures.
      if (evaluation !== null) await this.#keepPictures(line.step, evaluation);
    } finally {
      this.#note(line);
    }
    checkpoints.throwIfFailed();
    requireMetric(log.lines, this.#bestMetric);
    if (folder === null) return;
    const isBest = this.#bestMetric in line && this.#best()?.step === line.step;
    if (isBest && line.step > 0) await checkpoints.save('best');
    const every = checkpoints.everySteps;
    if (every !== null && line.step > 0 && line.step % every === 0) await checkpoints.save('last');
    this.#write(this.#progress('running'));
  }

  /** The line of the last step where its evaluation is due, and failed or was stopped. */
  get unevaluated(): LogLine | null {
    const { stepsDone, settings } = this.#trainer;
    const line = this.log.lines.at(-1);
    if (line?.step !== stepsDone || EVALUATED in line) return null;
    return isEvaluationDue(settings.evaluation, stepsDone) ? line : null;
  }

  /** Whether the metric that says what is best has not risen for as long as `patience` says. */
  get isOutOfPatience(): boolean {
    const { patience = null } = this.#options;
    return patience !== null && (this.#best()?.since ?? 0) >= patience;
  }

  /**
   * Makes the last checkpoint, of a step without its evaluation too, waits until it is on disk, writes how the run ended, and gives
   * its folder free.
   *
   * @throws When the checkpoint could not be written: the run has failed by that then.
   */
  async end(state: Exclude<RunState, 'running'>, error: unknown = null): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    const close = (how: Exclude<RunState, 'running'>, by: unknown) => {
      const words = by === null ? null : by instanceof Error ? by.message : String(by);
      this.#write({ ...this.#progress(how), ended: new Date().toISOString(), error: words });
    };
    try {
      this.#lock?.requireHeld();
      try {
        const { unevaluated } = this.#trainer;
        if (unevaluated !== null && this.log.lines.at(-1)?.step !== unevaluated.step) {
          this.#note(logLine(unevaluated));
          // By a metric that is no evaluation's it may be the best all the same.
          if (this.#best()?.step === unevaluated.step) await this.#checkpoints.save('best');
        }
        await this.#checkpoints.save('last');
        await this.#checkpoints.settle();
      } catch (problem) {
        this.#checkpoints.missLast();
        close('failed', error ?? problem);
        throw problem;
      }
      close(state, error);
    } finally {
      this.#lock?.release();
    }
  }

  /** Ends a run that failed. What cannot be written of that is said on stderr: the run's own error counts. */
  async fail(error: unknown): Promise<void> {
    try {
      await this.end('failed', error);
    } catch (problem) {
      const { message } = problem as Error;
      if (message !== (error as Error | null)?.message) process.stderr.write(`${message}\n`);
    }
  }

  /** Writes a line, in the place of one of its step that waited for its evaluation, and what is alarming about it. */
  #note(line: LogLine): void {
    const { log } = this;
    const last = log.lines.at(-1);
    const before = last?.step === line.step ? last : null;
    if (before === null) log.write(line);
    else log.amend(line);
    const known = log.alarms.filter((alarm) => alarm.step === line.step).map(({ name }) => name);
    for (const alarm of alarmsAtEnd(log.lines, this.#limits)) {
      if (!known.includes(alarm.name)) log.alarm(alarm);
    }
    const { step, ...metrics } = line;
    const told = Object.entries(metrics).filter(
      ([name, value]) => !Object.is(before?.[name], value),
    );
    this.#events?.scalars(step, Object.fromEntries(told));
  }

  #best() {
    return bestStep(this.log.lines, this.#bestMetric, this.#options.minImprovement);
  }

  #progress(state: RunState): Omit<RunProgress, 'steps'> {
    const { stepsDone: step, seconds } = this.#trainer;
    return { state, step, seconds, ended: null, error: null };
  }

  #write(progress: Omit<RunProgress, 'steps'>): void {
    if (this.folder === null || this.#record === null) return;
    const trainer = describeSettings(this.#trainer.settings);
    Object.assign(this.#record, progress, { trainer });
    writeRunRecord(this.folder, this.#record);
  }

  async #keepPictures(step: number, evaluation: EvaluationReport): Promise<void> {
    const count = this.#trainer.settings.evaluation?.picturesKept ?? PICTURES_KEPT;
    const kept = picturesOf(step, evaluation, count);
    this.pictures.push(...kept);
    if (this.folder === null) return;
    for (const picture of kept) {
      const { width, height } = picture.image;
      const png = await keepPicture(this.folder, picture);
      const tag = `pictures/${picture.place} ${picture.prompt}`;
      this.#events?.images(step, { [tag]: { width, height, png } });
    }
  }

  /** A trainer that is asked for more steps in its folder: what was best, patience and alarms go by what it did there before. */
  #goOn(): void {
    const before = recorderOf.get(this.#trainer);
    const { path } = this.log;
    if (!before?.log.path || path === null || resolve(before.log.path) !== resolve(path)) return;
    this.log.lines.push(...before.log.lines);
    this.log.alarms.push(...before.log.alarms);
    this.#checkpoints.goOn(before.#checkpoints);
  }
}
