import {
  QwenImage,
  loadPipeline,
  replayGenerator,
  tf,
  type QwenImagePipelineWithLogProb,
  type RolloutTensors,
  type SdeWindow,
} from '@flowbook/sdk';
import { Comparison, type Tolerance } from '../comparison';
import type { FamilyCheck, GoldenCase } from '../golden-case';

/** What the notes beside the tolerance allow. */
const LOG_PROB_ATOL = 5e-3;
const REPLAY_ATOL = 1e-3;
const IMAGE_ATOL = 1e-2;

async function load(goldenCase: GoldenCase): Promise<QwenImagePipelineWithLogProb> {
  const { json } = goldenCase;
  const { height, width, num_inference_steps, true_cfg_scale, noise_level, sde_type } = json;
  const pipeline = await loadPipeline<QwenImagePipelineWithLogProb>(goldenCase.path(json.model), {
    pipeline: { height, width, num_inference_steps, true_cfg_scale },
    algo: { noise_level, sde_type },
  });
  if (json.lora !== null) pipeline.transformer.loadLora(goldenCase.path(json.lora));
  return pipeline;
}

/** Rows of windows when they differ, one window else. */
function windowsOf(goldenCase: GoldenCase): SdeWindow | SdeWindow[] {
  return goldenCase.json.sde_windows;
}

async function rollOut(
  goldenCase: GoldenCase,
  pipeline: QwenImagePipelineWithLogProb,
): Promise<{ image: tf.Tensor; custom: RolloutTensors }> {
  const { json } = goldenCase;
  const window = windowsOf(goldenCase);
  const shared = typeof window[0] === 'number' ? [window as SdeWindow] : (window as SdeWindow[]);
  const steps = tf.unstack(goldenCase.tensor('noise'));
  const draws = shared.map(([start], row) =>
    replayGenerator(shared.length === 1 ? steps : steps.map((step) => step.slice([row], [1])), [
      start,
    ]),
  );
  const optional = (name: string) => goldenCase.tensors.get(name) ?? null;
  const firsts = shared.map(([start]) => start);
  const { output, customOutput } = await pipeline.forward(
    {
      sampling_params: {
        extra_args: {
          noise_level: json.noise_level,
          sde_type: json.sde_type,
          sde_window_size: shared[0][1] - shared[0][0],
          sde_window_range: [Math.min(...firsts), Math.max(...shared.map(([, end]) => end))],
        },
      },
    },
    {
      promptTokenIds: goldenCase.tensor('prompt_token_ids'),
      promptMask: goldenCase.tensor('prompt_mask'),
      negativePromptIds: optional('negative_prompt_ids'),
      negativePromptMask: optional('negative_prompt_mask'),
      trueCfgScale: json.true_cfg_scale,
      numInferenceSteps: json.num_inference_steps,
      latents: goldenCase.tensor('initial_latents'),
      generator: draws.length === 1 ? draws[0] : draws,
      compat: 'verl-omni',
      outputType: 'pt',
    },
  );
  return { image: output as tf.Tensor, custom: customOutput };
}

function replay(
  goldenCase: GoldenCase,
  pipeline: QwenImagePipelineWithLogProb,
  comparison: Comparison,
): void {
  const { modelConfig, transformer } = pipeline;
  const scheduler = QwenImage.buildScheduler(modelConfig);
  const optional = (name: string) => goldenCase.tensors.get(name) ?? null;
  const batch = Object.fromEntries(goldenCase.tensors);
  const latents = goldenCase.tensor('all_latents');
  const timesteps = goldenCase.tensor('all_timesteps');
  const { tolerance } = goldenCase.json;
  for (let step = 0; step < (timesteps.shape[1] as number); step++) {
    const [inputs, negativeInputs] = QwenImage.prepareModelInputs(
      transformer,
      modelConfig,
      latents,
      timesteps,
      goldenCase.tensor('prompt_embeds'),
      goldenCase.tensor('prompt_embeds_mask'),
      optional('negative_prompt_embeds'),
      optional('negative_prompt_embeds_mask'),
      {},
      step,
    );
    const replayed = QwenImage.forwardAndSamplePreviousStep(
      transformer,
      scheduler,
      modelConfig,
      inputs,
      negativeInputs,
      batch,
      step,
    );
    const names = ['log_prob', 'prev_sample_mean', 'std_dev_t', 'sqrt_dt'];
    names.forEach((name, at) => {
      const expected = tf.gather(goldenCase.tensor(`recomputed.${name}`), step, 1);
      const atol = name === 'log_prob' ? REPLAY_ATOL : tolerance.atol;
      comparison.compare(
        `recomputed.${name} ${step}`,
        replayed[at].reshape(expected.shape),
        expected,
        { atol, rtol: tolerance.rtol },
      );
    });
  }
  scheduler.dispose();
}

/** A whole rollout from recorded noise, and its replay on the recorded trajectory. */
export const check: FamilyCheck = async (goldenCase) => {
  const comparison = new Comparison();
  const tolerance = goldenCase.json.tolerance as Tolerance;
  const pipeline = await load(goldenCase);
  try {
    const { image, custom } = await rollOut(goldenCase, pipeline);
    for (const [name, atol] of [
      ['all_latents', tolerance.atol],
      ['all_log_probs', LOG_PROB_ATOL],
      ['all_timesteps', tolerance.atol],
      ['prompt_embeds', tolerance.atol],
      ['prompt_embeds_mask', 0],
      ['negative_prompt_embeds', tolerance.atol],
      ['negative_prompt_embeds_mask', 0],
    ] as const) {
      const expected = goldenCase.tensors.get(name);
      if (expected === undefined) continue;
      const actual = custom[name];
      if (actual === null) comparison.fail(`${name} is null`);
      else comparison.compare(name, actual, expected, { ...tolerance, atol });
    }
    comparison.compare('image', image, goldenCase.tensor('image'), {
      ...tolerance,
      atol: IMAGE_ATOL,
    });
    replay(goldenCase, pipeline, comparison);
  } finally {
    pipeline.dispose();
  }
  return comparison.result();
};
