import { existsSync, readdirSync } from 'node:fs';
import * as path from 'node:path';
import { checkpointIn, readRunRecord, type RunRecord } from '@flowbook/sdk';
import { hasKeptCell } from '../script/cell-checkpoints';

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

/** Whether this process still trains below a folder. */
export function isTraining(directory: string): boolean {
  return runFoldersIn(directory).some((run) => {
    const record = recordIn(run);
    return record?.state === 'running' && record.process.pid === process.pid;
  });
}

/** A folder, and those below it that `runName` makes, by name; none where it is not there. */
export function runFoldersIn(directory: string): string[] {
  if (!existsSync(directory)) return [];
  const inner = readdirSync(directory, { withFileTypes: true })
    .filter((one) => one.isDirectory())
    .map(({ name }) => path.join(directory, name))
    .sort();
  return [directory, ...inner];
}

function canResume(run: string): boolean {
  return recordIn(run)?.state === 'aborted' && checkpointIn(run) !== null;
}

/** A record that cannot be read is none: nothing goes on from it, and another program's run.json says nothing of a training. */
function recordIn(run: string): RunRecord | null {
  try {
    return readRunRecord(run);
  } catch {
    return null;
  }
}
