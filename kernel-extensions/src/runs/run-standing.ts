import { isRunning, type RunRecord } from '@flowbook/sdk';
import { trainingRecord } from '../run-folder/training-record';
import { exitCodes, stoppedCode } from '../script/exit-codes';
import { readRecord } from '../script/script-record';

/** How a run stands, whatever runs it. */
export interface RunStanding {
  state: 'running' | 'done' | 'failed' | 'stopped' | 'lost';
  seconds: number;
  error: string | null;
  /** As scripts have it; null while it goes on. */
  exitCode: number | null;
}

const STATES: Record<RunRecord['state'], RunStanding['state']> = {
  running: 'running',
  finished: 'done',
  'stopped-early': 'done',
  aborted: 'stopped',
  failed: 'failed',
};

/**
 * How the run in a folder stands: by its script.json, or, where no script, notebook or `flowbook run` wrote one, by the run.json of
 * a training. Null when it has neither.
 *
 * @param script The folder's script.json, where it has been read.
 */
export function standingOf(directory: string, script = readRecord(directory)): RunStanding | null {
  if (script !== null) {
    const { seconds, error } = script;
    if (script.lost) return { state: 'lost', seconds, error, exitCode: exitCodes.failed };
    const isOver = script.state !== 'running';
    // Records of earlier versions had no exit code.
    const exitCode = isOver ? (script.exitCode ?? exitCodes.failed) : null;
    return { state: script.state, seconds, error, exitCode };
  }
  const training = trainingRecord(directory);
  if (training === null) return null;
  const isLost = training.state === 'running' && !isRunning(training);
  const state = isLost ? 'lost' : STATES[training.state];
  const { seconds, error } = training;
  return { state, seconds, error, exitCode: exitCodeOf(state, directory) };
}

/** Of a training that was stopped it is not known by what: as if by SIGTERM, which leaves a checkpoint too. */
function exitCodeOf(state: RunStanding['state'], directory: string): number | null {
  if (state === 'running') return null;
  if (state === 'stopped') return stoppedCode('SIGTERM', directory);
  return state === 'done' ? exitCodes.done : exitCodes.failed;
}
