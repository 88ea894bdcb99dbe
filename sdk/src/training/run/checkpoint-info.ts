import { join } from 'node:path';
import { z } from 'zod';
import { readJsonObject } from '../../io/read-json';
import { writeJson } from '../../io/write-json';
import type { TrainerPosition } from '../weight-trainer';
import {
  checkedFields,
  notNegative,
  section,
  text,
  versionsByName,
  wholeFrom,
} from './checked-fields';
import type { RunBasis } from './run-basis';

/** The file that says what a checkpoint is of. */
const STATE = 'state.json';
const FORMAT = 1;

/** What a checkpoint says of itself. */
export interface CheckpointInfo extends TrainerPosition, Partial<RunBasis> {
  /** Of the run: everything random follows from it and the step. */
  seed: number;
  /** The trainer's class. */
  trainer: string;
  /** Which of the trainings that its process began in the run's folder it is of, from 1. Older ones do not say. */
  training?: number;
}

/** A manifest that fits says only that the file was not damaged since somebody wrote it. */
const infoSchema = z.object({
  format: z.literal(FORMAT, `must be ${FORMAT}`),
  step: wholeFrom(0),
  seconds: notNegative('must be a number from 0'),
  microBatchSize: wholeFrom(1),
  promptSpreads: z
    .array(notNegative('must be a number from 0, or null').nullable(), 'must be a list')
    .optional(),
  unratedSteps: wholeFrom(0).optional(),
  seed: z.number('must be a number'),
  trainer: text,
  training: wholeFrom(1).optional(),
  settings: section.optional(),
  model: section.optional(),
  versions: versionsByName.optional(),
});

/** Writes it into a checkpoint's folder. */
export function writeCheckpointInfo(folder: string, info: CheckpointInfo): void {
  writeJson(join(folder, STATE), { format: FORMAT, ...info });
}

/**
 * What a checkpoint says of itself.
 *
 * @throws When it is not one that can be read, or a field breaks its rule; the message names file, field and value.
 */
export function readCheckpointInfo(folder: string): CheckpointInfo {
  const path = join(folder, STATE);
  return checkedFields(infoSchema, readJsonObject(path), path);
}

/** The same; null of one that says nothing, as a broken one may: it is named where a whole one is chosen. */
export function infoOrNull(folder: string): CheckpointInfo | null {
  try {
    return readCheckpointInfo(folder);
  } catch {
    return null;
  }
}
