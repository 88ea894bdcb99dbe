import { checkpointIn } from '@flowbook/sdk';
import { hasKeptCell } from './cell-checkpoints';
import { runFoldersIn } from '../run-folder/run-folders';
import { trainingRecord } from '../run-folder/training-record';

/** What exported scripts and `flowbook run` end with. */
export const exitCodes = {
  done: 0,
  /** A cell failed, or the kernel died. */
  failed: 1,
  wrongUse: 2,
  /** Stopped by SIGTERM with a checkpoint: the same call with `--resume` goes on. EX_TEMPFAIL of sysexits.h. */
  toResume: 75,
  /** By SIGINT. */
  interrupted: 130,
  /** By SIGTERM, with no checkpoint. */
  terminated: 143,
} as const;

/** Signals that a run is stopped by. */
export type StopSignal = 'SIGINT' | 'SIGTERM';

/** What a run ends with that was stopped by a signal. @param directory Where it wrote. */
export function stoppedCode(by: StopSignal, directory: string): number {
  if (by === 'SIGINT') return exitCodes.interrupted;
  const isKept = runFoldersIn(directory).some(canResume) || hasKeptCell(directory);
  return isKept ? exitCodes.toResume : exitCodes.terminated;
}

function canResume(run: string): boolean {
  return trainingRecord(run)?.state === 'aborted' && checkpointIn(run) !== null;
}
