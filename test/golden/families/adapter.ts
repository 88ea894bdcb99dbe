import { DiffusionModelConfig, QwenImage, combineTrueCfg, tf } from '@flowbook/sdk';
import type { ModelInputs, ModelMixin } from '@flowbook/sdk';
import { Comparison, type Tolerance } from '../comparison';
import type { CaseResult, Description, FamilyCheck, GoldenCase } from '../golden-case';

/** Timesteps are up to 1000: the case's note allows them an absolute error of their own. */
const TIMESTEP_ATOL = 2e-3;

function configOf(goldenCase: GoldenCase, json: Description): DiffusionModelConfig {
  const { height, width, num_inference_steps } = json;
  return DiffusionModelConfig.from({
    path: goldenCase.path(json.model),
    pipeline: { height, width, num_inference_steps },
  });
}

function compareSchedule(
  comparison: Comparison,
  goldenCase: GoldenCase,
  prefix: string,
  config: DiffusionModelConfig,
  tolerance: Tolerance,
): void {
  const scheduler = QwenImage.buildScheduler(config);
  comparison.compare(
    `${prefix}timesteps`,
    scheduler.timesteps,
    goldenCase.tensor(`${prefix}timesteps`),
    { ...tolerance, atol: TIMESTEP_ATOL },
  );
  const sigmas = goldenCase.tensor(`${prefix}sigmas`);
  comparison.compare(`${prefix}sigmas`, scheduler.sigmas, sigmas, tolerance);
  scheduler.dispose();
}

function checkSchedules(goldenCase: GoldenCase): CaseResult {
  const comparison = new Comparison();
  const { subcases, tolerance } = goldenCase.json;
  for (const subcase of subcases as Description[]) {
    const config = configOf(goldenCase, subcase);
    compareSchedule(comparison, goldenCase, `${subcase.id}.`, config, tolerance);
  }
  return comparison.result();
}

function checkInputs(goldenCase: GoldenCase): CaseResult {
  const comparison = new Comparison();
  const { json } = goldenCase;
  const tolerance = json.tolerance as Tolerance;
  const config = configOf(goldenCase, json);
  compareSchedule(comparison, goldenCase, '', config, tolerance);
  const names = [
    'all_latents',
    'all_timesteps',
    'prompt_embeds',
    'prompt_embeds_mask',
    'negative_prompt_embeds',
    'negative_prompt_embeds_mask',
  ];
  const [latents, timesteps, embeds, mask, negative, negativeMask] = names.map((name) =>
    goldenCase.tensor(name),
  );
  // Building inputs reads nothing of the model but whether it embeds guidance.
  const module = { config: { guidance_embeds: false } } as unknown as ModelMixin;
  const { height, width, vae_scale_factor } = json;
  for (const expected of json.subcases as Description[]) {
    const { step } = expected;
    const inputs: ModelInputs[] = QwenImage.prepareModelInputs(
      module,
      config,
      latents,
      timesteps,
      embeds,
      mask,
      negative,
      negativeMask,
      { height, width, vae_scale_factor },
      step,
    );
    const [positive] = inputs;
    comparison.equal(`k${step} keys`, Object.keys(positive).sort(), expected.positive_keys);
    for (const key of ['img_shapes', 'guidance', 'return_dict']) {
      comparison.equal(`k${step} ${key}`, positive[key], expected[key]);
    }
    ['positive', 'negative'].forEach((side, at) => {
      for (const key of ['hidden_states', 'timestep']) {
        const name = `k${step}.${side}.${key}`;
        comparison.compare(name, inputs[at][key] as tf.Tensor, goldenCase.tensor(name), tolerance);
      }
    });
    comparison.equal(`k${step} prompt`, positive.encoder_hidden_states === embeds, true);
    comparison.equal(`k${step} negative`, inputs[1].encoder_hidden_states === negative, true);
  }
  for (const name of [...goldenCase.tensors.keys()].filter((key) => key.startsWith('cfg_out.'))) {
    const scale = Number(name.slice('cfg_out.'.length));
    const combined = combineTrueCfg(
      goldenCase.tensor('cfg_pos'),
      goldenCase.tensor('cfg_neg'),
      scale,
    );
    comparison.compare(name, combined, goldenCase.tensor(name), tolerance);
  }
  return comparison.result();
}

/** The training adapter: the scheduler it builds, the inputs it selects, and how it guides. */
export const check: FamilyCheck = async (goldenCase) =>
  goldenCase.json.model === undefined ? checkSchedules(goldenCase) : checkInputs(goldenCase);
