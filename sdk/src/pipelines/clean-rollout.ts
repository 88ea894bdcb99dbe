import { tf } from '../tensorflow';
import type { RolloutOptions } from './rollout-options';
import type { DiffusionOutput } from './rollout-output';
import type { RolloutRequest, RolloutTensors } from './rollout-request';
import { inferenceSteps } from './rollout-settings';

/** What a rollout leaves for objectives that learn from noised data. */
export type CleanRolloutTensors = RolloutTensors & {
  /** (B, ...) x0: the latents after the last step. */
  latents_clean: tf.Tensor;
  /** (B, T) all times of the rollout, from 0 to 1000. */
  train_timesteps: tf.Tensor2D;
};

/** What a rollout by the ODE returns. */
export interface CleanRolloutOutput extends DiffusionOutput {
  customOutput: CleanRolloutTensors;
}

/**
 * A request as the ODE serves it: no noise, no log-probabilities; of the trajectory the last step alone is kept.
 *
 * @param defaultSteps Denoising steps where neither the request nor the options say, by a number or by sigmas.
 */
export function withoutNoise(
  req: RolloutRequest,
  options: RolloutOptions,
  defaultSteps: number,
): RolloutRequest {
  const asked = req.sampling_params ?? {};
  const steps = inferenceSteps(req, options, defaultSteps);
  return {
    ...req,
    sampling_params: {
      ...asked,
      extra_args: {
        ...asked.extra_args,
        noise_level: 0,
        sde_type: 'sde',
        sde_window_size: 1,
        sde_window_range: [steps - 1, steps],
        logprobs: false,
      },
    },
  };
}

/**
 * Adds the clean latents and all times to what a rollout by the ODE leaves.
 *
 * @param timesteps All of the rollout's, from 0 to 1000.
 */
export function withCleanLatents(
  { output, customOutput }: DiffusionOutput,
  timesteps: ArrayLike<number>,
): CleanRolloutOutput {
  const { all_latents } = customOutput;
  const [B, states] = all_latents.shape;
  const row = Array.from(timesteps);
  return {
    output,
    customOutput: {
      ...customOutput,
      latents_clean: customOutput.latents_clean ?? tf.gather(all_latents, states - 1, 1),
      train_timesteps: tf.tensor2d(Array<number[]>(B).fill(row), [B, row.length]),
    },
  };
}
