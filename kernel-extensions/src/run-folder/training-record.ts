import { readRunRecord, type RunRecord } from '@flowbook/sdk';

/** The record of a training's folder. One that cannot be read is none: nothing goes on from it, and a list has no row of it. */
export function trainingRecord(folder: string): RunRecord | null {
  try {
    return readRunRecord(folder);
  } catch {
    return null;
  }
}
