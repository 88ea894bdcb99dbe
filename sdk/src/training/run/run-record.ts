import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { arch, availableParallelism, cpus, hostname, platform, totalmem } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { isAlive, ownProcess, type NamedProcess } from '../../core/process-identity';
import { readJsonObject } from '../../io/read-json';
import { writeAtomically } from '../../io/write-atomically';
import { backendInfo, tf } from '../../tensorflow';
import {
  checkedFields,
  notNegative,
  section,
  text,
  versionsByName,
  wholeFrom,
} from './checked-fields';
import { RUN_FILES } from './run-files';

const STATES = ['running', 'finished', 'aborted', 'stopped-early', 'failed'] as const;

/** How a run stands: while it goes on, and how it ended. */
export type RunState = (typeof STATES)[number];

/** The part of run.json that changes while a run goes on. */
export interface RunProgress {
  state: RunState;
  /** Steps done. */
  step: number;
  /** The step that the run ends with. */
  steps: number;
  /** Spent on the steps done. */
  seconds: number;
  /** ISO 8601, or null while it goes on. */
  ended: string | null;
  /** What a run that failed failed by. */
  error: string | null;
}

/** What run.json holds. */
export interface RunRecord extends RunProgress {
  /** ISO 8601. */
  started: string;
  /** The step after which each resumption went on. */
  resumedAfter: number[];
  seed: number;
  /** The trainer's settings, complete. */
  trainer: Record<string, unknown>;
  /** The model's configuration. */
  model: unknown;
  /** The caller's own. */
  configuration: unknown;
  versions: Record<string, string | null>;
  machine: Record<string, unknown>;
  /** The process that runs it. */
  process: NamedProcess;
  /** Of the working directory, or null outside of a repository. */
  git: { commit: string; isChanged: boolean } | null;
}

const recordSchema = z.object({
  state: z.enum(STATES, `must be one of ${STATES.join(', ')}`),
  step: wholeFrom(0),
  steps: wholeFrom(0),
  seconds: notNegative('must be a number from 0'),
  ended: text.nullable(),
  error: text.nullable(),
  started: text,
  resumedAfter: z.array(wholeFrom(0), 'must be a list'),
  seed: z.number('must be a number'),
  trainer: section,
  model: z.unknown(),
  configuration: z.unknown(),
  versions: versionsByName,
  machine: section,
  process: z.object(
    {
      pid: wholeFrom(1),
      host: text,
      place: text.nullable().optional(),
      began: text.nullable().optional(),
    },
    'must be an object',
  ),
  git: z
    .object({ commit: text, isChanged: z.boolean('must be true or false') }, 'must be an object')
    .nullable(),
});

/**
 * Reads run.json of a run's folder, or null when there is none.
 *
 * @throws When it is no record of a run, or a field of it breaks its rule; the message names file, field and value.
 *
 * @example
 * readRunRecord('notebooks'); // null // no folder of a run
 */
export function readRunRecord(folder: string): RunRecord | null {
  const path = join(folder, RUN_FILES.record);
  return existsSync(path) ? checkedFields(recordSchema, readJsonObject(path), path) : null;
}

/** Writes run.json in the place of what was there. */
export function writeRunRecord(folder: string, record: RunRecord): void {
  const text = `${JSON.stringify(record, null, 2)}\n`;
  writeAtomically(join(folder, RUN_FILES.record), (append) => append(Buffer.from(text)));
}

/** The versions of what computes. */
export function describeVersions(): RunRecord['versions'] {
  const { version } = readJsonObject(join(__dirname, '../../../package.json'));
  return {
    flowbook: version as string,
    node: process.versions.node,
    tfjs: tf.version_core,
    tensorflow: backendInfo().nativeVersion,
  };
}

/** What a run is made on: versions, machine, process, commit. */
export function describeSurroundings(): Pick<
  RunRecord,
  'versions' | 'machine' | 'process' | 'git'
> {
  const { name, device } = backendInfo();
  const processors = cpus();
  return {
    versions: describeVersions(),
    machine: {
      platform: platform(),
      architecture: arch(),
      processor: processors[0]?.model ?? 'unknown',
      processors: availableParallelism(),
      memoryBytes: totalmem(),
      backend: name,
      device,
    },
    process: ownProcess(),
    git: gitState(),
  };
}

function gitState(): RunRecord['git'] {
  const git = (...parts: string[]) =>
    execFileSync('git', parts, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const commit = git('rev-parse', 'HEAD');
    return { commit, isChanged: git('status', '--porcelain', '--untracked-files=no') !== '' };
  } catch {
    // No git, or no repository: a run says nothing of it then.
    return null;
  }
}

/**
 * Whether a run goes on: its record says so, and its process is there, as far as that can be seen from here: one on a machine of another
 * name is taken to be there, and one of an earlier start of this machine or container not.
 *
 * @example
 * isRunning({ state: 'failed', process: { pid: 1, host: 'node-3' } }); // false
 */
export function isRunning({
  state,
  process: by,
}: Pick<RunRecord, 'process'> & { state: string }): boolean {
  return state === 'running' && (isAlive(by) ?? by.host !== hostname());
}
