import { totalmem } from 'node:os';
import { formatBytes } from '../core/format-bytes';
import type { ModelFiles } from '../io/model-files';
import { inspectFiles, type InspectOptions } from '../inspection/inspect-model';

/** Models that need less load in a moment: nothing to wait for or to fear. */
const LARGE_BYTES = 1e9;

/**
 * Says on stderr what a model takes on disk and in memory before it is loaded, if that is much.
 *
 * @param path What the user calls it.
 * @param size Of the pictures, in pixels.
 */
export async function announceMemory(
  path: string,
  model: ModelFiles,
  size: Pick<InspectOptions, 'height' | 'width' | 'variant' | 'dtype'>,
): Promise<void> {
  if (!model.names('').includes('model_index.json')) return;
  const { components, memory } = await inspectFiles(path, model, size);
  const { weights, activations, total } = memory.inference;
  if (total < LARGE_BYTES) return;
  const disk = components.reduce((sum, { diskBytes }) => sum + diskBytes, 0);
  const picture = `a picture of ${memory.width} x ${memory.height}`;
  const needed =
    activations === null ? '' : `, about ${formatBytes(total)} while it makes ${picture}`;
  process.stderr.write(
    `${path}: ${formatBytes(disk)} on disk, ${formatBytes(weights)} of memory as ${memory.dtype}${needed}; this machine has ${formatBytes(totalmem())}\n`,
  );
}
