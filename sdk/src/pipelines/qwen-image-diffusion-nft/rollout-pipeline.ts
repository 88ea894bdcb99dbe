import { withCleanLatents, withoutNoise, type CleanRolloutOutput } from '../clean-rollout';
import type { ForwardOptions } from '../qwen-image-flow-grpo/forward-options';
import { QwenImagePipelineWithLogProb } from '../qwen-image-flow-grpo/rollout-pipeline';
import type { DiffusionOutput } from '../rollout-output';
import type { RolloutRequest } from '../rollout-request';
import { VllmOmniPipelineBase } from '../vllm-omni-pipeline-base';

/**
 * Rollout pipeline of Qwen-Image for DiffusionNFT (https://arxiv.org/abs/2509.16117): makes pictures by the ODE and keeps
 * the clean latents and the times that training noises them at.
 *
 * Registered under (`QwenImagePipeline`, `diffusion_nft`).
 *
 * @example
 * const pipeline = QwenImageDiffusionNFTPipeline.fromPretrained({ path: 'datasets/tiny-qwen-image', height: 64, width: 64 });
 * const { customOutput } = await pipeline.forward({ prompts: ['a red circle'] }, { numInferenceSteps: 4 });
 * customOutput.latents_clean.shape; // [1, 16, 16]
 * customOutput.train_timesteps.shape; // [1, 4]
 */
export class QwenImageDiffusionNFTPipeline extends QwenImagePipelineWithLogProb {
  /** Without noise between the steps and without log-probabilities, whatever the request says of them. */
  protected override prepareRequest(req: RolloutRequest, options: ForwardOptions): RolloutRequest {
    return withoutNoise(req, options, this.defaults.numInferenceSteps);
  }

  /**
   * As `QwenImagePipelineWithLogProb.forward`, by the ODE. Of the trajectory the last step is kept.
   *
   * @param req Prompts and sampling parameters.
   */
  override async forward(
    req: RolloutRequest,
    options: ForwardOptions = {},
  ): Promise<CleanRolloutOutput> {
    return (await super.forward(req, options)) as CleanRolloutOutput;
  }

  /** With clean latents and all times. */
  protected override completeOutput(
    output: DiffusionOutput,
    timesteps: Float32Array,
  ): CleanRolloutOutput {
    return withCleanLatents(output, timesteps);
  }
}

VllmOmniPipelineBase.register('QwenImagePipeline', {
  algorithm: 'diffusion_nft',
  path: '@flowbook/sdk#QwenImageDiffusionNFTPipeline',
})(QwenImageDiffusionNFTPipeline);
