import { formatBytes } from '../core/format-bytes';

/** What the check goes by. */
export interface MemoryFacts {
  /** Pictures that go through the model at once. */
  microBatchSize: number;
  /** What each takes in training, in bytes; null when the model is not known. */
  pictureBytes: number | null;
  freeBytes: number;
}

/**
 * Makes sure that a micro-batch can fit into memory, before a step fails in the middle.
 *
 * @throws When the estimate is more than what is free; the message says how many pictures would fit.
 */
export function requireMemory({ microBatchSize, pictureBytes, freeBytes }: MemoryFacts): void {
  if (pictureBytes === null || microBatchSize * pictureBytes <= freeBytes) return;
  const fitting = Math.floor(freeBytes / pictureBytes);
  const advice =
    fitting >= 1
      ? `set microBatchSize to at most ${fitting}, or to 'auto'`
      : 'not even one fits: make smaller pictures, train adapters (lora), set gradientCheckpointing, or use a machine with more memory';
  throw new Error(
    `Cannot train with ${microBatchSize} pictures at once as they must fit into memory: they take about ${formatBytes(microBatchSize * pictureBytes)}, and ${formatBytes(freeBytes)} are free; ${advice}`,
  );
}
