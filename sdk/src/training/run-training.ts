import type { DiffusionModelConfig } from '../config';
import { cellSignal } from '../core/cell-signal';
import { describeRun } from './describe-run';
import { RunLog } from './run-log';
import { logLine, type LogLine, type LoggedReport } from './step-report';

/** How a training ended. */
export interface TrainingResult {
  /** 'finished', or 'aborted' by the signal. */
  stopped: 'finished' | 'aborted';
  /** Steps done. */
  steps: number;
  /** Since the training began. */
  seconds: number;
  /** One line a step: what log.jsonl holds. */
  log: LogLine[];
  /** Where log.jsonl was written, or null. */
  logPath: string | null;
}

/** What can be trained step by step. */
export interface Trainer<Report extends LoggedReport> {
  readonly settings: Parameters<typeof describeRun>[0] & { steps: number };
  readonly modelConfig: DiffusionModelConfig;
  step(options: { signal: AbortSignal | null }): Promise<Report>;
}

/** How a run goes, whatever its objective. */
export interface RunOptions<Report> {
  /** Stops the loop. Default: the running cell's signal. */
  signal?: AbortSignal | null;
  /** Called after each step; a promise is waited for. */
  onStep?: ((report: Report) => void | Promise<void>) | null;
  /** Whatever this run was configured by, as plain JSON: it is stored in run.json. Default: none. */
  configuration?: object | null;
  /** Where log.jsonl and run.json are written. Default: the environment's FLOWBOOK_RUN_DIR; without it, nowhere. */
  runDirectory?: string | null;
  /** Default: the trainer's settings. */
  steps?: number;
}

/** Runs a trainer that stays the caller's: it can be asked for more steps afterwards. */
export async function runTraining<Report extends LoggedReport>(
  trainer: Trainer<Report>,
  {
    signal = cellSignal(),
    onStep = null,
    configuration = null,
    runDirectory,
    steps = trainer.settings.steps,
  }: RunOptions<Report> = {},
): Promise<TrainingResult> {
  const log = new RunLog(runDirectory ?? undefined);
  log.describe(describeRun(trainer.settings, trainer.modelConfig, configuration));
  const begin = performance.now();
  const result = (stopped: TrainingResult['stopped']): TrainingResult => ({
    stopped,
    steps: log.lines.length,
    seconds: (performance.now() - begin) / 1000,
    log: log.lines,
    logPath: log.path,
  });
  for (let count = 0; count < steps; count++) {
    if (signal?.aborted) return result('aborted');
    let report: Report;
    try {
      report = await trainer.step({ signal });
    } catch (error) {
      if (signal?.aborted) return result('aborted');
      throw error;
    }
    log.write(logLine(report));
    await onStep?.(report);
  }
  return result('finished');
}
