import { DiffusionModelConfig, type DiffusionModelConfigInput } from '../config';
import type { LoadOptions } from './rollout-options';
import type { RolloutPipeline } from './rollout-pipeline';
import { VllmOmniPipelineBase } from './vllm-omni-pipeline-base';

/** A pipeline class that loads itself from a model directory. */
interface LoadableClass<Pipeline> {
  fromPretrained(config: DiffusionModelConfig, options?: LoadOptions): Pipeline;
}

/**
 * Loads the rollout pipeline that is registered for a model directory and an algorithm.
 *
 * @param path Model directory in diffusers' layout.
 * @param config What else the configuration says: size, steps, guidance, `algorithm`.
 * @throws When no pipeline is registered for it.
 * @example
 * const pipeline = await loadPipeline('datasets/tiny-qwen-image', { height: 64, width: 64 });
 */
export async function loadPipeline<Pipeline = RolloutPipeline>(
  path: string,
  config: Omit<DiffusionModelConfigInput, 'path'> = {},
  options: LoadOptions = {},
): Promise<Pipeline> {
  const modelConfig = DiffusionModelConfig.from({ ...config, path });
  const { architecture, algorithm } = modelConfig;
  const pipeline = VllmOmniPipelineBase.getClass(architecture, algorithm);
  if (pipeline === null || !('fromPretrained' in pipeline)) {
    throw new Error(
      `Cannot load "${path}" as a rollout pipeline with fromPretrained must be registered for its architecture and algorithm: current values are ${architecture} and ${algorithm}`,
    );
  }
  return (pipeline as unknown as LoadableClass<Pipeline>).fromPretrained(modelConfig, options);
}
