import { cellSignal } from '../core/cell-signal';
import { checkOptions, wholeNumber, type Rules } from '../core/option-rules';
import { addRewardMetrics } from '../rewards/take-reward-metrics';
import type { EvaluationReport } from './evaluate-policy';
import type { EvaluationOptions } from './evaluation-options';
import type { Alarm } from './run/alarms';
import type { RunOptions } from './run/run-options';
import { RUN_RULES } from './run/run-rules';
import type { RecordedTrainer } from './run/recorded-trainer';
import { RunRecorder } from './run/run-recorder';
import { evaluationLine, logLine, type LogLine, type LoggedReport } from './step-report';

/** How a training ended. */
export interface TrainingResult {
  /** 'finished', 'aborted' by the signal, or 'stopped-early' by `patience`. */
  stopped: 'finished' | 'aborted' | 'stopped-early';
  /** Steps done, those of a run that was resumed among them. */
  steps: number;
  /** Since this call began. */
  seconds: number;
  /** One line a step: what log.jsonl holds. */
  log: LogLine[];
  /** What the log shows to be going wrong, where it began. */
  alarms: Alarm[];
  /** Where log.jsonl was written, an absolute path, or null. */
  logPath: string | null;
  /** The run's folder, an absolute path, or null. */
  folder: string | null;
}

/** What can be trained step by step. */
export interface Trainer<Report extends LoggedReport> extends RecordedTrainer {
  /**
   * Makes one step: with its rollout, its rewards and its updates, whatever the trainer's objective has of them.
   *
   * @param options.lastStep The step that the run ends with: nothing is begun ahead beyond it.
   * @throws The signal's reason once it is aborted.
   */
  step(options: { signal: AbortSignal | null; lastStep: number }): Promise<Report>;
  /** Makes and rates pictures of prompts, without learning. Default: those of the settings. */
  evaluate(
    options?: EvaluationOptions | null,
    how?: { signal?: AbortSignal | null },
  ): Promise<EvaluationReport>;
}

const RULES: Rules<RunOptions<never> & { steps?: number }> = {
  ...RUN_RULES,
  steps: wholeNumber(0),
};

/**
 * Runs a trainer that stays the caller's: it can be asked for more steps afterwards.
 *
 * @param given.steps Default: the trainer's settings. A run that is resumed ends with this step, whatever was done before.
 * @throws When there is no such option or one breaks its rule; what a step throws, unless the signal was aborted; the run's folder says so then.
 *
 * @example
 * const options = { prompts: ['a red circle'], reward: 'redness', groupSize: 2, numInferenceSteps: 4 };
 * const trainer = new FlowGRPOTrainer(pipeline, options);
 * (await runTraining(trainer, { steps: 1 })).steps; // 1
 * trainer.stepsDone; // 1 // it can be asked for more
 * trainer.dispose();
 */
export async function runTraining<Report extends LoggedReport>(
  trainer: Trainer<Report>,
  given: RunOptions<Report> & { steps?: number } = {},
): Promise<TrainingResult> {
  checkOptions('train', given, RULES);
  const {
    signal = cellSignal(),
    onStep = null,
    steps = trainer.settings.steps,
    ...options
  } = given;
  const doneBefore = trainer.stepsDone;
  const recorder = await RunRecorder.open(trainer, options);
  const { log, folder, pictures } = recorder;
  const last = (recorder.isResumed ? 0 : doneBefore) + steps;
  const began = performance.now();
  const end = async (stopped: TrainingResult['stopped']): Promise<TrainingResult> => {
    await recorder.end(stopped);
    return {
      stopped,
      steps: log.lines.filter(({ step }) => step > 0).length,
      seconds: (performance.now() - began) / 1000,
      log: log.lines,
      alarms: log.alarms,
      logPath: log.path,
      folder,
    };
  };
  try {
    await recorder.begin(last);
    if (trainer.stepsDone === 0 && trainer.settings.evaluation?.beforeTraining) {
      const found = await trainer.evaluate(undefined, { signal });
      const seconds = Math.round(trainer.seconds * 1000) / 1000;
      await recorder.step({ step: 0, seconds, ...evaluationLine(found) }, found);
    }
    const { unevaluated } = recorder;
    if (unevaluated !== null && trainer.unevaluated === null) {
      const found = await trainer.evaluate(undefined, { signal });
      const line = addRewardMetrics(unevaluated, trainer.takeRewardMetrics?.() ?? {});
      await recorder.step({ ...line, ...evaluationLine(found) }, found);
    }
    while (trainer.stepsDone < last || trainer.unevaluated !== null) {
      if (signal?.aborted) return await end('aborted');
      if (recorder.isOutOfPatience) return await end('stopped-early');
      const report = await trainer.step({ signal, lastStep: last });
      await recorder.step(logLine(report), report.evaluation ?? null);
      const { lines, alarms } = log;
      await onStep?.(report, { log: lines, alarms, pictures, steps: last, folder });
    }
    return await end(recorder.isOutOfPatience ? 'stopped-early' : 'finished');
  } catch (error) {
    if (signal?.aborted && !recorder.isClosed) return await end('aborted');
    await recorder.fail(error);
    throw error;
  }
}
