import type { RolloutPartSettings } from '../../training/rollout-part';
import type { PictureRequest, RolloutProtocol } from '../rollout-protocol';
import { readRollout, type LatentShape } from './read-rollout';

/** Name that the trained adapter has on a server: the next one takes its place. */
const ADAPTER = 'flowbook';

/** Transitions that SGLang has, by the trainer's names for them. */
const TRANSITIONS = ['sde', 'cps'];

/**
 * SGLang's `/rollout/generate`.
 *
 * Log-probabilities are means over a picture's latents, as the trainer's are: normal densities for 'sde', plain squared errors
 * (`rollout_log_prob_no_const`) for 'cps'. Steps outside of the window have no noise; without noise at all every step is the ODE's.
 *
 * @param latentShape Of a picture's latents, by its height and width in pixels.
 */
export function sglangProtocol(latentShape: LatentShape): RolloutProtocol {
  return {
    name: 'SGLang',
    mostPictures: 16,
    adapterFormat: 'diffusers',
    takesAllWeights: true,
    accept: 'application/msgpack, application/json',
    check: checkTransition,
    load: ({ kind, path }) =>
      kind === 'adapter'
        ? {
            path: 'v1/set_lora',
            body: { lora_nickname: ADAPTER, lora_path: path, target: 'transformer', strength: 1 },
          }
        : {
            path: 'update_weights_from_disk',
            body: { model_path: path, target_modules: ['transformer'], flush_cache: true },
          },
    ask: (request) => ({ path: 'rollout/generate', body: bodyOf(request) }),
    read: async (served) => readRollout(served, latentShape),
  };
}

function checkTransition({ sdeType, noiseLevel }: RolloutPartSettings): void {
  if (noiseLevel === 0 || TRANSITIONS.includes(sdeType)) return;
  throw new Error(
    `Cannot roll out on SGLang as sdeType must be ${TRANSITIONS.join(' or ')}: current value is ${sdeType}`,
  );
}

function bodyOf({
  prompt,
  negativePrompt,
  seed,
  count,
  guidance,
  settings,
}: PictureRequest): Record<string, unknown> {
  const { window, noiseLevel, sdeType, height, width, numInferenceSteps } = settings;
  const [first, end] = window;
  const states = Array.from({ length: end - first + 1 }, (_, at) => first + at);
  const hasNoise = noiseLevel !== 0;
  return {
    prompt,
    ...(negativePrompt === null ? {} : { negative_prompt: negativePrompt }),
    seed,
    num_outputs_per_prompt: count,
    width,
    height,
    num_inference_steps: numInferenceSteps,
    guidance_scale: settings.guidanceScale ?? guidance,
    true_cfg_scale: guidance,
    rollout: true,
    rollout_sde_type: hasNoise ? sdeType : 'ode',
    rollout_noise_level: noiseLevel,
    rollout_log_prob_no_const: !hasNoise || sdeType === 'cps',
    rollout_debug_mode: false,
    rollout_return_denoising_env: false,
    rollout_return_dit_trajectory: true,
    ...(hasNoise ? { rollout_sde_step_indices: states.slice(0, -1) } : {}),
    rollout_return_step_indices: states,
    suppress_logs: true,
  };
}
