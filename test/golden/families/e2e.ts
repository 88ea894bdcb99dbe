import { loadPipeline, tf, type DenoisedStep } from '@flowbook/sdk';
import { Comparison, type Tolerance } from '../comparison';
import type { FamilyCheck } from '../golden-case';

/** What the note beside the tolerance allows. */
const IMAGE_ATOL = 1e-2;

/** From text to picture without noise: the latents after each step, and the picture in [0, 1]. */
export const check: FamilyCheck = async (goldenCase) => {
  const { json } = goldenCase;
  const path = goldenCase.path(json.model);
  const comparison = new Comparison();
  const tolerance = json.tolerance as Tolerance;
  const { height, width } = json;
  const pipeline = await loadPipeline(path, { height, width });
  const negatives = (json.negative_prompts ?? json.negative_prompt ?? null) as
    string | string[] | null;
  const steps: tf.Tensor[] = [];
  try {
    const { output } = await pipeline.forward(
      {
        prompts: (json.prompts as string[]).map((prompt, row) => ({
          prompt,
          negative_prompt: typeof negatives === 'string' ? negatives : negatives?.[row],
        })),
      },
      {
        latents: goldenCase.tensor('initial_latents'),
        numInferenceSteps: json.num_inference_steps,
        // Qwen-Image goes without guidance where there is nothing to guide away from.
        trueCfgScale: negatives === null ? undefined : json.true_cfg_scale,
        guidanceScale: json.guidance_scale,
        maxSequenceLength: json.max_sequence_length,
        // The stock pipelines go on with a schedule of NaN.
        compat: Number.isFinite(goldenCase.tensor('timesteps').dataSync()[0]) ? null : 'verl-omni',
        noiseLevel: 0,
        logprobs: false,
        outputType: 'pt',
        callbackOnStepEnd: ({ tensors }: DenoisedStep) => {
          steps.push(tensors.latents.clone());
        },
      },
    );
    for (const name of ['timesteps', 'sigmas'] as const) {
      comparison.compare(name, pipeline.scheduler[name], goldenCase.tensor(name), tolerance);
    }
    const expected = goldenCase.tensor('latents_after_step');
    comparison.compare('latents_after_step', tf.stack(steps), expected, tolerance);
    const image = tf.clipByValue(tf.div(tf.add(output as tf.Tensor, 1), 2), 0, 1);
    comparison.compare('image01', image, goldenCase.tensor('image01'), {
      ...tolerance,
      atol: IMAGE_ATOL,
    });
  } finally {
    pipeline.dispose();
  }
  return comparison.result();
};
