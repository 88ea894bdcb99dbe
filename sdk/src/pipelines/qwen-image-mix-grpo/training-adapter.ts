import { DiffusionModelBase } from '../diffusion-model-base';
import { QwenImage } from '../qwen-image-flow-grpo/training-adapter';

/**
 * Training adapter of Qwen-Image for MixGRPO (https://arxiv.org/abs/2507.21802). It replays steps as
 * `QwenImage` does, also when rows were noised at different steps: what is MixGRPO's own, the window's
 * way along the denoising steps, is the rollout pipeline's.
 *
 * Registered under (`QwenImagePipeline`, `mix_grpo`).
 *
 * @example
 * const modelConfig = { path: 'datasets/tiny-qwen-image', algorithm: 'mix_grpo' };
 * DiffusionModelBase.getClass(modelConfig) === QwenImageMixGRPO; // true
 */
export class QwenImageMixGRPO extends QwenImage {}

DiffusionModelBase.register('QwenImagePipeline', { algorithm: 'mix_grpo' })(QwenImageMixGRPO);
