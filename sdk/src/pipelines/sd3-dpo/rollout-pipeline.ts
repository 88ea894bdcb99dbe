import { withCleanLatents, withoutNoise, type CleanRolloutOutput } from '../clean-rollout';
import type { SD3ForwardOptions } from '../sd3-flow-grpo/forward-options';
import { StableDiffusion3PipelineWithLogProb } from '../sd3-flow-grpo/rollout-pipeline';
import type { DiffusionOutput } from '../rollout-output';
import type { RolloutRequest } from '../rollout-request';
import { VllmOmniPipelineBase } from '../vllm-omni-pipeline-base';

/**
 * Rollout pipeline of Stable Diffusion 3 for Diffusion-DPO: makes pictures by the ODE and keeps their clean latents, of
 * which pairs are made once they are rated; and encodes pairs of pictures that are there.
 *
 * Registered under (`StableDiffusion3Pipeline`, `dpo`).
 *
 * @example
 * const pipeline = await loadPipeline('test/golden/models/tiny-sd3', { algorithm: 'dpo', height: 64, width: 64 });
 * pipeline instanceof StableDiffusion3DPOPipeline; // true
 */
export class StableDiffusion3DPOPipeline extends StableDiffusion3PipelineWithLogProb {
  /** Without noise between the steps and without log-probabilities, whatever the request says of them. */
  protected override prepareRequest(
    req: RolloutRequest,
    options: SD3ForwardOptions,
  ): RolloutRequest {
    return withoutNoise(req, options, this.defaults.numInferenceSteps);
  }

  /**
   * As `StableDiffusion3PipelineWithLogProb.forward`, by the ODE. Of the trajectory the last step is kept.
   *
   * @param req Prompts and sampling parameters.
   */
  override async forward(
    req: RolloutRequest,
    options: SD3ForwardOptions = {},
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

VllmOmniPipelineBase.register('StableDiffusion3Pipeline', {
  algorithm: 'dpo',
  path: '@flowbook/sdk#StableDiffusion3DPOPipeline',
})(StableDiffusion3DPOPipeline);
