import type { Trajectory } from './charts/trajectory';
import { isPicture, type Picture } from './charts/picture';
import type { Schedule } from './charts/schedule';
import { isTensorLike, type TensorLike } from './tensor-like';

/** The tensor that a value is, or null. */
export function findTensor(value: object): TensorLike | null {
  return isTensorLike(value) ? value : null;
}

/** The pictures that a value is or (a pipeline's output) holds, or null. */
export function findPictures(value: object): Picture[] | null {
  const output = (value as { output?: unknown }).output;
  for (const candidate of [value, output]) {
    if (isPicture(candidate)) return [candidate];
    if (Array.isArray(candidate) && candidate.length > 0 && candidate.every(isPicture)) {
      return candidate;
    }
  }
  return null;
}

/** The trajectory that a value is or (a pipeline's output) holds, or null. */
export function findTrajectory(value: object): Trajectory | null {
  const customOutput = (value as { customOutput?: unknown }).customOutput;
  for (const candidate of [value, customOutput]) {
    const latents = (candidate as { all_latents?: unknown } | null | undefined)?.all_latents;
    if (isTensorLike(latents) && latents.shape.length >= 3) return candidate as Trajectory;
  }
  return null;
}

/** Whether a value is a scheduler with its sigmas and timesteps as plain numbers. */
export function hasSchedule(value: object): value is Schedule {
  const { sigmaValues, timestepValues } = value as Partial<Schedule>;
  return isNumbers(sigmaValues) && isNumbers(timestepValues);
}

function isNumbers(value: unknown): boolean {
  return value instanceof Float32Array || value instanceof Float64Array;
}
