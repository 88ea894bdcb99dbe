import { formatBytes } from '../core/format-bytes';

/** Of the memory that is free, what a micro-batch may take: the rest is for what else comes and goes. */
const SHARE = 0.7;

/** Pictures of a micro-batch that is measured, at most. */
export const MOST_MEASURED = 4;

/** What the choice goes by. */
export interface MicroBatchFacts {
  /** Pictures of the micro-batches that were measured. */
  measured: number;
  /** By how much memory grew over the step with them, at most, in bytes; null where that is not known. */
  peakBytes: number | null;
  /** What a picture is estimated to take, in bytes; null where the model is not known. */
  estimatedBytes: number | null;
  /** Memory that is free, in bytes. */
  freeBytes: number;
  /** Pictures that there are for one micro-batch. */
  pictures: number;
}

/** Pictures a micro-batch, and why in words. */
export interface MicroBatchChoice {
  size: number;
  reason: string;
}

/** Pictures of the first step's micro-batches: few, and fewer where a picture is large. */
export function firstMicroBatch(estimatedBytes: number | null, freeBytes: number): number {
  const fitting = estimatedBytes === null ? 1 : Math.floor((0.25 * freeBytes) / estimatedBytes);
  return Math.max(1, Math.min(MOST_MEASURED, fitting));
}

/**
 * The largest micro-batch that fits into the free memory: each picture takes what it was estimated or measured to take,
 * whichever is more (a peak below the estimate may only mean that memory was there to be used again). Sizes are whole
 * pictures of equal micro-batches, so that few shapes need compiling.
 *
 * @example
 * const { size } = chooseMicroBatch({
 *   measured: 4, peakBytes: 400e6, estimatedBytes: 80e6, freeBytes: 4e9, pictures: 96,
 * });
 * size; // 24
 */
export function chooseMicroBatch({
  measured,
  peakBytes,
  estimatedBytes,
  freeBytes,
  pictures,
}: MicroBatchFacts): MicroBatchChoice {
  const perPicture = Math.max(peakBytes === null ? 0 : peakBytes / measured, estimatedBytes ?? 0);
  if (perPicture === 0) {
    const size = Math.min(measured, pictures);
    return { size, reason: `micro-batches stay at ${size}: what a picture takes is not known` };
  }
  const most = Math.max(1, Math.min(pictures, Math.floor((SHARE * freeBytes) / perPicture)));
  const size = Math.ceil(pictures / Math.ceil(pictures / most));
  const measure =
    peakBytes === null ? 'not measured' : `measured ${formatBytes(peakBytes / measured)}`;
  const estimate =
    estimatedBytes === null ? 'not estimated' : `estimated ${formatBytes(estimatedBytes)}`;
  return {
    size,
    reason: `micro-batches of ${size} of ${pictures} pictures: one takes ${formatBytes(perPicture)} (${measure}, ${estimate}), ${formatBytes(freeBytes)} are free`,
  };
}
