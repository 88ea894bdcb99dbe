export {
  DiffusionModelConfig,
  type DiffusionModelConfigInput,
  type DiffusionModelConfigLike,
  type RunConfigInput,
} from './diffusion-model-config';
export type { AlgoConfig, PipelineConfig } from './diffusion-model-schema';
export { defaultSdeType } from './default-sde-type';
