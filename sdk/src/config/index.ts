export {
  DiffusionModelConfig,
  type DiffusionModelConfigInput,
  type DiffusionModelConfigLike,
  type RunConfigInput,
  type RunPurpose,
} from './diffusion-model-config';
export type { AlgoConfig, PipelineConfig } from './diffusion-model-schema';
export {
  loadRunConfig,
  RunConfig,
  type KeyWithoutEffect,
  type RunConfigSource,
} from './run/run-config';
export type { RegisteredNames } from './run/run-rules';
export type { RunSettings } from './run/run-schema';
export { defaultSdeType } from './default-sde-type';
