export * from './model-mixin';
export * from './diffusion-model-base';
export * from './vllm-omni-pipeline-base';
export { FlowGRPOModel } from './flow-grpo-model';
export { trajectoryStep } from './trajectory-step';
export * from './dispatch';
export * from './rollout-request';
export * from './sde-window';
export * from './rollout-options';
export * from './rollout-seeds';
export type { DiffusionOutput } from './rollout-output';
export { RolloutPipeline, type DiffuseResult, type PreparedRollout } from './rollout-pipeline';
export type { RolloutDefaults, RolloutSettings } from './rollout-settings';
export {
  disposeEmbeddings,
  embeddingFields,
  padEmbeddings,
  repeatEmbeddings,
  repeatRows,
  type PromptEmbeddings,
  type RequestEmbeddings,
} from './prompt-embeddings';
export { CompiledModel, type CompiledModelOptions } from './compiled-model';
export { offMainThread } from './off-main-thread';
export { PolicyState } from './policy-state';
export { combineTrueCfg } from './true-cfg';
export { toPixelImages } from './pixel-images';
export { QwenImage } from './qwen-image-flow-grpo/training-adapter';
export type { QwenImageNegativeInputs } from './qwen-image-flow-grpo/model-inputs';
export { QwenImagePipelineWithLogProb } from './qwen-image-flow-grpo/rollout-pipeline';
export type { QwenImageComponents } from './qwen-image-flow-grpo/components';
export {
  FORWARD_DEFAULTS,
  type ForwardOptions,
  type QwenImageDiffuseOptions,
} from './qwen-image-flow-grpo/forward-options';
export { applyPromptTemplate } from './qwen-image-flow-grpo/prompt';
export { QwenImageMixGRPO } from './qwen-image-mix-grpo/training-adapter';
export { QwenImageMixGRPOPipelineWithLogProb } from './qwen-image-mix-grpo/rollout-pipeline';
export { withMixGrpoWindow, type MixGrpoExtraArgs } from './qwen-image-mix-grpo/place-window';
export { ForwardProcessModel } from './forward-process-model';
export { QwenImageDiffusionNFT } from './qwen-image-diffusion-nft/training-adapter';
export { QwenImageDiffusionNFTPipeline } from './qwen-image-diffusion-nft/rollout-pipeline';
export type { CleanRolloutOutput, CleanRolloutTensors } from './clean-rollout';
export { QwenImageDPOPipeline } from './qwen-image-dpo/rollout-pipeline';
export { QwenImageDPO } from './qwen-image-dpo/training-adapter';
export { StableDiffusion3FlowGRPO } from './sd3-flow-grpo/training-adapter';
export { StableDiffusion3PipelineWithLogProb } from './sd3-flow-grpo/rollout-pipeline';
export type { StableDiffusion3Components } from './sd3-flow-grpo/components';
export { SD3_FORWARD_DEFAULTS, type SD3ForwardOptions } from './sd3-flow-grpo/forward-options';
export { StableDiffusion3DPOPipeline } from './sd3-dpo/rollout-pipeline';
export { StableDiffusion3DPO } from './sd3-dpo/training-adapter';
export { SD3PromptEncoder, type SD3PromptOptions } from './stable-diffusion-3/prompt-encoder';
export * from './diffusion-dpo/training-times';
export * from './diffusion-dpo/noise-pairs';
export * from './diffusion-dpo/select-pairs';
export * from './diffusion-dpo/offline-latents';
export * from './diffusion-dpo/predict-noised';
export { loadPipeline } from './load-pipeline';
export type { LoadPipelineOptions } from './load-pipeline';
export { savePipeline, type SavableComponent, type SavePipelineOptions } from './save-pipeline';
