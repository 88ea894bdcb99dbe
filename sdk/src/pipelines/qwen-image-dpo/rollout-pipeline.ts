import { QwenImageDiffusionNFTPipeline } from '../qwen-image-diffusion-nft/rollout-pipeline';
import { VllmOmniPipelineBase } from '../vllm-omni-pipeline-base';

/**
 * Rollout pipeline of Qwen-Image for online Diffusion-DPO: makes pictures by the ODE and keeps their clean latents, of
 * which pairs are made once they are rated; see `pairsFromRollout`.
 *
 * Registered under (`QwenImagePipeline`, `dpo`).
 *
 * @example
 * const pipeline = await loadPipeline('datasets/tiny-qwen-image', { algorithm: 'dpo', height: 64, width: 64 });
 * pipeline instanceof QwenImageDPOPipeline; // true
 */
export class QwenImageDPOPipeline extends QwenImageDiffusionNFTPipeline {}

VllmOmniPipelineBase.register('QwenImagePipeline', {
  algorithm: 'dpo',
  path: '@flowbook/sdk#QwenImageDPOPipeline',
})(QwenImageDPOPipeline);
