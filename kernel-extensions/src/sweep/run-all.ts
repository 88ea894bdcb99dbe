import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import * as path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { observer, onAbort } from '@flowbook/sdk';
import { isAlive } from '@flowbook/sdk/process-identity';
import { LIFE_TIMING, showsLife } from '@flowbook/sdk/sign-of-life';
import { exitCodes } from '../script/exit-codes';
import { scriptProgram } from '../script/script-program';
import { readRecord, recordFile } from '../script/script-record';
import type { PlannedRun, SweepPlan } from './plan';

/** How a sweep runs. */
export interface SweepOptions {
  /** Runs at one time. */
  jobs: number;
  /** Times that a failed run is tried again. */
  retries: number;
  signal: AbortSignal;
  /** Called when a run begins or ends. What it throws is said on stderr, once. */
  onChange?: (run: PlannedRun, what: 'begins' | 'ends', exitCode: number | null) => void;
  /** Is told of runs that are waited for. Default: stderr. */
  onNotice?: (line: string) => void;
  /** How long a run on another machine is watched for a sign of life, in milliseconds. */
  watchMs?: number;
}

/** How often a run may be stopped with a checkpoint, and be taken up again, without being failed. */
const mostResumptions = 100;

/**
 * Runs what of a sweep is not done, each run in a process of its own. A run that was stopped goes on from its checkpoint; one that
 * still runs, as its sweep was killed, is waited for, on another machine as long as its record shows a sign of life.
 */
export async function runAll(
  directory: string,
  plan: SweepPlan,
  options: SweepOptions,
): Promise<void> {
  const { jobs, signal, onChange } = options;
  const tell = observer(onChange, 'What watches runs', 'the sweep');
  const left = plan.runs.filter(({ id }) => readRecord(path.join(directory, id))?.state !== 'done');
  const script = path.join(directory, plan.script);
  const worker = async (): Promise<void> => {
    for (let run = left.shift(); run && !signal.aborted; run = left.shift()) {
      tell(run, 'begins', null);
      const code = await runOne(path.join(directory, run.id), script, run, options);
      tell(run, 'ends', code);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, jobs) }, worker));
}

async function runOne(
  folder: string,
  script: string,
  { parameters }: PlannedRun,
  options: SweepOptions,
): Promise<number | null> {
  const { retries, signal } = options;
  mkdirSync(folder, { recursive: true });
  await orphanOf(folder, options);
  if (readRecord(folder)?.state === 'done') return exitCodes.done;
  const flags = Object.entries(parameters).flatMap(([name, value]) => [`--${name}=${value}`]);
  let code: number | null = null;
  for (let failures = 0, stops = 0; failures <= retries && stops <= mostResumptions;) {
    const resume = existsSync(path.join(folder, recordFile))
      ? ['--resume', folder]
      : ['--out', folder];
    code = await runScript(folder, [script, ...flags, ...resume, '--json'], signal);
    if (code === exitCodes.done || code === exitCodes.wrongUse || signal.aborted) return code;
    if (code === exitCodes.toResume) stops += 1;
    else failures += 1;
  }
  return code;
}

/** A run whose sweep was killed may still be there: its outcome counts. */
async function orphanOf(
  folder: string,
  {
    signal,
    onNotice: say = (line) => void process.stderr.write(`${line}\n`),
    watchMs = LIFE_TIMING.watchMs,
  }: SweepOptions,
): Promise<void> {
  const [run, file] = [path.basename(folder), path.join(folder, recordFile)];
  for (let isSaid = false; ; isSaid = true) {
    const record = readRecord(folder);
    if (record?.state !== 'running' || signal.aborted) return;
    const { pid, host } = record.process;
    const alive = isAlive(record.process);
    if (alive === false) return;
    if (!isSaid) say(`${run} is waited for: by "${file}" process ${pid} on ${host} runs it`);
    if (alive) await wait(200);
    else if (
      !(await showsLife(file, watchMs, signal).catch(() => signal.aborted)) &&
      readRecord(folder)?.state === 'running'
    ) {
      say(`${run} is taken up: "${file}" showed no sign of life for ${watchMs / 1000} s`);
      return;
    }
  }
}

/** Files take the output, not pipes: a run outlives a sweep that is killed. What an earlier try wrote stays in them. */
function runScript(folder: string, args: string[], signal: AbortSignal): Promise<number | null> {
  const stdout = openSync(path.join(folder, 'stdout.log'), 'a');
  const stderr = openSync(path.join(folder, 'stderr.log'), 'a');
  const [program, ...before] = scriptProgram();
  const child = spawn(program, [...before, ...args], {
    stdio: ['ignore', stdout, stderr],
    // A Ctrl-C at the terminal is the sweep's, which stops its runs politely.
    detached: true,
  });
  closeSync(stdout);
  closeSync(stderr);
  const stop = (): void => void child.kill('SIGTERM');
  const stopWaiting = onAbort(signal, stop);
  if (signal.aborted) stop();
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      stopWaiting();
      resolve(code);
    });
  });
}
