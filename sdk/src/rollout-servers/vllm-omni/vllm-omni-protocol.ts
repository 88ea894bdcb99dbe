import type { RolloutProtocol } from '../rollout-protocol';
import { readPictures } from './read-pictures';

/** vLLM-Omni's `/v1/images/generations`, in the form of OpenAI's images with its own fields. */
export const vllmOmniProtocol: RolloutProtocol = {
  name: 'vLLM-Omni',
  // Pictures of one request share a generator, so that what a seed gives depends on how many there are.
  mostPictures: 1,
  adapterFormat: 'peft',
  takesAllWeights: false,
  accept: 'application/json',
  check({ noiseLevel }) {
    if (noiseLevel === 0) return;
    throw new Error(
      `Cannot roll out on vLLM-Omni as its answers hold pictures alone, without latents and log-probabilities: noiseLevel must be 0, as for DiffusionNFT and Diffusion-DPO: current value is ${noiseLevel}`,
    );
  },
  load: () => null,
  ask({ prompt, negativePrompt, seed, count, guidance, settings }, { id, path }) {
    const { height, width, numInferenceSteps, guidanceScale } = settings;
    return {
      path: 'v1/images/generations',
      body: {
        prompt,
        ...(negativePrompt === null ? {} : { negative_prompt: negativePrompt }),
        n: count,
        size: `${width}x${height}`,
        response_format: 'b64_json',
        output_format: 'png',
        num_inference_steps: numInferenceSteps,
        true_cfg_scale: guidance,
        ...(guidanceScale === null ? {} : { guidance_scale: guidanceScale }),
        seed,
        lora: { name: id, path, scale: 1 },
      },
    };
  },
  read: readPictures,
};
