import { checkOptions, optionsAmong, type Rules } from '../core/option-rules';
import { showValue } from '../core/show-value';
import { DiffusionModelConfig, type DiffusionModelConfigInput } from '../config';
import { downloadModel } from '../io/hub/download-model';
import { isHubName } from '../io/hub/hub-name';
import { HUB_RULES, type HubOptions } from '../io/hub/hub-settings';
import { localModelFiles, type ModelFiles } from '../io/model-files';
import { announceMemory } from './announce-memory';
import { LOAD_RULES, type LoadOptions } from './rollout-options';
import type { RolloutPipeline } from './rollout-pipeline';
import { VllmOmniPipelineBase, type RegisteredPipeline } from './vllm-omni-pipeline-base';

/** A pipeline class that loads itself from a model directory. */
interface LoadableClass<Pipeline> extends RegisteredPipeline<Pipeline> {
  fromPretrained(config: DiffusionModelConfig, options?: LoadOptions): Pipeline;
}

function isLoadable<Pipeline>(
  found: RegisteredPipeline<Pipeline> | null,
): found is LoadableClass<Pipeline> {
  return found?.fromPretrained !== undefined;
}

/** How a pipeline is loaded, and how its model is found when it lies on a hub. */
export interface LoadPipelineOptions extends LoadOptions, HubOptions {}

const RULES: Rules<LoadPipelineOptions> = { ...LOAD_RULES, ...HUB_RULES };

/**
 * Loads the rollout pipeline that is registered for a model and an algorithm. A model on a hub is downloaded into the cache
 * that the ecosystem shares. Before anything large is downloaded or loaded, one line on stderr says what it takes.
 *
 * @param path Model directory in diffusers' layout, or `owner/name` on a hub where there is no such directory.
 * @param config What else the configuration says. `forward` reads the size and `algorithm`; steps, guidance and noise are for
 *   training adapters, which replay by them: hand `forward` the same.
 * @throws When there is no such option or one breaks its rule, no pipeline is registered for it, or the model cannot be had or
 *   lacks a part.
 * @example
 * const pipeline = await loadPipeline('datasets/tiny-qwen-image', { height: 64, width: 64 });
 */
export async function loadPipeline<Pipeline = RolloutPipeline>(
  path: string,
  config: Omit<DiffusionModelConfigInput, 'path'> = {},
  options: LoadPipelineOptions = {},
): Promise<Pipeline> {
  if (typeof path !== 'string' || path === '') {
    throw new Error(
      `Cannot load a pipeline as path must be a model directory or the name of a model on a hub: current value is ${showValue(path)}`,
    );
  }
  checkOptions(`load "${path}"`, options, RULES);
  const { variant, dtype } = options;
  const prepare = async (model: ModelFiles): Promise<DiffusionModelConfig> => {
    const modelConfig = DiffusionModelConfig.from({ ...config, path: model.directory });
    findClass(path, modelConfig);
    const { height, width } = modelConfig.pipeline;
    await announceMemory(path, model, { height, width, variant, dtype });
    return modelConfig;
  };
  if (!isHubName(path)) return build(path, await prepare(localModelFiles(path)), options);
  const directory = await downloadModel(path, {
    ...optionsAmong(options, HUB_RULES),
    beforeWeights: async (model) => void (await prepare(model)),
  });
  return build(path, DiffusionModelConfig.from({ ...config, path: directory }), options);
}

function build<Pipeline>(
  path: string,
  modelConfig: DiffusionModelConfig,
  { device, seed, variant, dtype }: LoadOptions,
): Pipeline {
  const pipeline = findClass<Pipeline>(path, modelConfig);
  return pipeline.fromPretrained(modelConfig, { device, seed, variant, dtype });
}

/** Throws before anything is downloaded or loaded. */
function findClass<Pipeline>(
  path: string,
  { architecture, algorithm }: DiffusionModelConfig,
): LoadableClass<Pipeline> {
  const pipeline = VllmOmniPipelineBase.getClass<Pipeline>(architecture, algorithm);
  if (!isLoadable(pipeline)) {
    throw new Error(
      `Cannot load "${path}" as a rollout pipeline with fromPretrained must be registered for its architecture and algorithm: current values are ${architecture} and ${algorithm}`,
    );
  }
  return pipeline;
}
