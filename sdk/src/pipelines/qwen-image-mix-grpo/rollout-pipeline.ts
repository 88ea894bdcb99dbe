import type { ForwardOptions } from '../qwen-image-flow-grpo/forward-options';
import { QwenImagePipelineWithLogProb } from '../qwen-image-flow-grpo/rollout-pipeline';
import type { RolloutRequest } from '../rollout-request';
import { VllmOmniPipelineBase } from '../vllm-omni-pipeline-base';
import { withMixGrpoWindow } from './place-window';

/**
 * Rollout pipeline of Qwen-Image for MixGRPO (https://arxiv.org/abs/2507.21802): the SDE sampler within
 * a window that moves with the training step, the ODE outside of it (eta = 0).
 *
 * `sampling_params.extra_args` says where training stands: `global_steps` (from 1), and, where they
 * differ from `modelConfig.algo`, `sample_strategy` ('random' or 'progressive'), `iters_per_group` and
 * `sde_window_seed`. The window's size and range are `forward`'s options, or the request's, as in every rollout. All requests of a training step get the same window. `forward` refuses a window that
 * does not fit, and a progressive one without `global_steps`; with `compat: 'verl-omni'` progressive steps
 * are counted as verl-omni does, which never trains the first window when `iters_per_group` is 1.
 *
 * Registered under (`QwenImagePipeline`, `mix_grpo`).
 *
 * @example
 * const pipeline = QwenImageMixGRPOPipelineWithLogProb.fromPretrained({ path: 'datasets/tiny-qwen-image', height: 64, width: 64 });
 * const { customOutput } = await pipeline.forward(
 *   {
 *     prompts: ['a red circle'],
 *     sampling_params: { extra_args: { sample_strategy: 'progressive', global_steps: 2 } },
 *   },
 *   { numInferenceSteps: 10, sdeWindowSize: 2 },
 * );
 * customOutput.all_timesteps.shape; // [1, 2] // the times of steps 2 and 3
 */
export class QwenImageMixGRPOPipelineWithLogProb extends QwenImagePipelineWithLogProb {
  /** The request with the window of its training step. */
  protected override prepareRequest(req: RolloutRequest, options: ForwardOptions): RolloutRequest {
    return withMixGrpoWindow(req, options, this.modelConfig.algo);
  }
}

VllmOmniPipelineBase.register('QwenImagePipeline', {
  algorithm: 'mix_grpo',
  path: '@flowbook/sdk#QwenImageMixGRPOPipelineWithLogProb',
})(QwenImageMixGRPOPipelineWithLogProb);
