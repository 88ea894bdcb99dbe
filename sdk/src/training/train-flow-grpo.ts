import { cellSignal } from '../core/cell-signal';
import type { FlowGRPOOptions } from './flow-grpo-options';
import { describeRun } from './describe-run';
import { FlowGRPOTrainer } from './flow-grpo-trainer';
import { RunLog } from './run-log';
import { logLine, type LogLine, type StepReport } from './step-report';
import type { TrainablePipeline } from './trainable-pipeline';

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

/**
 * Trains a pipeline's transformer by FlowGRPO and leaves it trained in place.
 *
 * Stops between two updates when the signal is aborted (the interrupt button, in a notebook): what was
 * learned until then stays.
 *
 * @param pipeline A loaded rollout pipeline.
 * @param options What to train on and how; only `prompts` and `reward` are required.
 * @returns How it ended, with a line a step.
 * @example
 * const { log } = await trainFlowGRPO(pipeline, { prompts: ['a red circle'], reward: 'redness', steps: 2, groupSize: 4 });
 * log.map(({ reward }) => reward);
 */
export async function trainFlowGRPO(
  pipeline: TrainablePipeline,
  options: FlowGRPOOptions,
): Promise<TrainingResult> {
  const trainer = new FlowGRPOTrainer(pipeline, options);
  try {
    return await runFlowGRPO(trainer, options);
  } finally {
    trainer.dispose();
  }
}

/** Runs a trainer that stays the caller's: it can be asked for more steps afterwards. */
export async function runFlowGRPO(
  trainer: FlowGRPOTrainer,
  {
    signal = cellSignal(),
    onStep = null,
    configuration = null,
    runDirectory,
    steps = trainer.settings.steps,
  }: Pick<FlowGRPOOptions, 'signal' | 'onStep' | 'configuration' | 'runDirectory' | 'steps'> = {},
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
    let report: StepReport;
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
