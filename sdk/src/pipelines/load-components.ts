import { checkOptions } from '../core/option-rules';
import { DiffusionModelConfig, type DiffusionModelConfigLike } from '../config';
import { checkDevice } from '../tensorflow';
import { LOAD_RULES, type LoadOptions } from './rollout-options';

/** Takes parts down as they are loaded, so that none is left over when a later one fails. */
export type Keep = <Part extends { dispose(): void }>(part: Part) => Part;

/**
 * Loads the parts of a pipeline.
 *
 * @throws When one is missing or broken; those that were kept before it are freed.
 */
export function loadParts<Parts>(load: (keep: Keep) => Parts): Parts {
  const loaded: { dispose(): void }[] = [];
  const keep: Keep = (part) => {
    loaded.push(part);
    return part;
  };
  try {
    return load(keep);
  } catch (error) {
    loaded.forEach((part) => part.dispose());
    throw error;
  }
}

/**
 * The configuration that a pipeline is loaded by, with its model directory.
 *
 * @param config The directory, or a configuration that names it as `path`.
 * @throws When there is no such option or one breaks its rule, no directory is named, or the device is not there.
 */
export function loadConfig(
  config: string | DiffusionModelConfigLike,
  options: LoadOptions,
): { modelConfig: DiffusionModelConfig; path: string } {
  checkOptions('load a pipeline', options, LOAD_RULES);
  const { device } = options;
  const modelConfig = DiffusionModelConfig.from(
    typeof config === 'string' ? { path: config } : config,
  );
  const { path } = modelConfig;
  if (path === null) {
    throw new Error(
      'Cannot load a pipeline as the configuration must name a model directory: current path is null',
    );
  }
  checkDevice(device);
  return { modelConfig, path };
}
