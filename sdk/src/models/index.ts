export * from './layers';
export { QwenImageTransformer2DModel } from './qwen-image/transformer';
export { FrozenComponent, type ComponentOrigin } from './component-origin';
export type { FromPretrainedOptions } from './load-component';
export type { ModelDtype } from './model-dtype';
export { DiffusionTransformer } from './diffusion-transformer';
export type {
  AddLoraOptions,
  SaveLoraOptions,
  TransformerDefinition,
  TransformerInputs,
} from './diffusion-transformer';
export type { ModelWeights } from './model-weights';
export type { QwenImageTransformerConfig } from './qwen-image/transformer-config';
export type { QwenImageTransformerInputs } from './qwen-image/transformer-inputs';
export { qwenRotaryFactors } from './qwen-image/rope';
export type { ImageShape, RopeOptions } from './qwen-image/rope';
export { LoraAdapters } from './lora-adapters';
export type { LoraLayer, NewLoraOptions } from './lora-adapters';
export { WeightCopy, assignAll } from './weight-copy';
export { selectLoraTargets } from './lora-targets';
export type { LoraModules, LoraTargets, SelectLoraOptions } from './lora-targets';
export { AutoencoderKLQwenImage } from './qwen-image/autoencoder';
export type { LatentDistribution } from './autoencoder/latent-distribution';
export type { AutoencoderConfig } from './qwen-image/autoencoder-config';
export { packLatents, unpackLatents } from './qwen-image/vae-latents';
export { Qwen2_5_VLTextEncoder } from './qwen-image/text-encoder';
export type { TextEncoderInputs } from './text-encoder/text-inputs';
export type { TextEncoderConfig } from './qwen-image/text-encoder-config';
export { SD3Transformer2DModel } from './stable-diffusion-3/transformer';
export type { SD3TransformerConfig } from './stable-diffusion-3/transformer-config';
export type { SD3TransformerInputs } from './stable-diffusion-3/transformer-inputs';
export { AutoencoderKL } from './stable-diffusion-3/autoencoder';
export type { AutoencoderKLConfig } from './stable-diffusion-3/autoencoder-config';
export { CLIPTextModelWithProjection } from './stable-diffusion-3/clip-text-encoder';
export type { CLIPTextOutput } from './stable-diffusion-3/clip-text-encoder';
export type { CLIPTextConfig } from './stable-diffusion-3/clip-config';
export { T5EncoderModel } from './stable-diffusion-3/t5-encoder';
export type { T5Config } from './stable-diffusion-3/t5-config';
export { assemblePromptEmbeddings } from './stable-diffusion-3/prompt-embeddings';
export type { CLIPPromptStates, SD3PromptEmbeddings } from './stable-diffusion-3/prompt-embeddings';
export { autoencoderNetwork, type AutoencoderNetwork } from './autoencoder-network';
export { transformerNetwork, type TransformerNetwork } from './transformer-network';
