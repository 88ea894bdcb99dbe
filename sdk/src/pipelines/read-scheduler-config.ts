import type { DiffusionModelConfig } from '../config';
import { openModelDirectory } from '../io/model-directory';

/**
 * The scheduler's settings in a configuration's model directory.
 *
 * @throws When the configuration names no model directory.
 */
export function readSchedulerConfig({ path }: DiffusionModelConfig): object {
  if (path === null) {
    throw new Error(
      'Cannot build a scheduler as the configuration must name a model directory: current path is null',
    );
  }
  return openModelDirectory(path).config('scheduler');
}
