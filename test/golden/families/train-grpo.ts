import {
  AdamW,
  QwenImage,
  DiffusionModelConfig,
  QwenImageTransformer2DModel,
  RolloutBatch,
  clipGradients,
  policyGradients,
  tf,
  type BatchTensors,
} from '@flowbook/sdk';
import { dirname } from 'node:path';
import { Comparison } from '../comparison';
import type { Description, FamilyCheck, GoldenCase } from '../golden-case';

/** What the note beside the tolerance allows. */
const LOSS_ATOL = 1e-3;
const GRADIENT_SHARE = 1e-2;
const NORM_RTOL = 1e-3;
const PARAMETER_ATOL = 2e-5;
const OUTLIERS = 0.01;

function batchOf(goldenCase: GoldenCase): RolloutBatch {
  const optional = (name: string) => goldenCase.tensors.get(name) ?? null;
  const { height, width, group_index } = goldenCase.json;
  const tensors = {
    all_latents: goldenCase.tensor('all_latents'),
    all_log_probs: goldenCase.tensor('old_log_probs'),
    all_timesteps: goldenCase.tensor('all_timesteps'),
    prompt_embeds: goldenCase.tensor('prompt_embeds'),
    prompt_embeds_mask: optional('prompt_embeds_mask'),
    negative_prompt_embeds: optional('negative_prompt_embeds'),
    negative_prompt_embeds_mask: optional('negative_prompt_embeds_mask'),
    old_prev_sample_mean: optional('old_prev_sample_mean'),
    ref_prev_sample_mean: optional('ref_prev_sample_mean'),
  } as BatchTensors;
  const W = tensors.all_timesteps.shape[1];
  return new RolloutBatch(tensors, {
    images: [],
    prompts: (group_index as string[]).map((prompt) => ({ prompt })),
    groups: (group_index as string[]).map((name) => Number(name.slice(1))),
    height,
    width,
    window: [0, W],
  });
}

/** 99 of 100 elements agree tightly; tiny gradients may move the others by up to two learning rates. */
function compareParameters(
  comparison: Comparison,
  goldenCase: GoldenCase,
  prefix: string,
  variables: ReadonlyMap<string, tf.Variable>,
): void {
  const { lr } = goldenCase.json.optimizer as Description;
  let [outside, total] = [0, 0];
  for (const [name, variable] of variables) {
    const expected = goldenCase.tensors.get(`${prefix}.${name}`);
    if (expected === undefined) continue;
    const [a, b] = [variable.dataSync(), expected.dataSync()];
    total += a.length;
    b.forEach((value, at) => {
      if (Math.abs(value - a[at]) > PARAMETER_ATOL) outside++;
    });
    comparison.compare(`${prefix}.${name}`, variable, expected, { atol: 2.1 * lr, rtol: 0 });
  }
  comparison.equal(`${prefix} has parameters`, total > 0, true);
  if (outside > OUTLIERS * total) {
    comparison.fail(`${prefix} differs in ${outside} of ${total} elements`);
  }
}

/** Training of adapters on a recorded rollout: losses, gradients, weights after 1 and 3 updates. */
export const check: FamilyCheck = async (goldenCase) => {
  const { json } = goldenCase;
  const comparison = new Comparison();
  const modelConfig = DiffusionModelConfig.from({
    path: dirname(goldenCase.path(json.model)),
    pipeline: {
      height: json.height,
      width: json.width,
      num_inference_steps: json.num_inference_steps,
      true_cfg_scale: json.true_cfg_scale,
    },
    algo: { noise_level: json.noise_level, sde_type: json.sde_type },
  });
  const transformer = QwenImageTransformer2DModel.fromPretrained(goldenCase.path(json.model));
  const scheduler = QwenImage.buildScheduler(modelConfig);
  transformer.loadLora(goldenCase.path(json.lora));
  const variables = transformer.trainableVariables();
  const { lr, betas, eps, weight_decay, max_grad_norm } = json.optimizer as Description;
  const optimizer = new AdamW(variables, { lr, betas, eps, weightDecay: weight_decay });
  const batch = batchOf(goldenCase);
  const advantages = goldenCase.tensor('advantages') as tf.Tensor2D;
  try {
    for (const [update, line] of (json.log as Description[]).entries()) {
      const policy = await policyGradients(
        { transformer, scheduler, modelConfig },
        batch,
        advantages,
        {
          lossMode: json.loss_mode,
          klLossCoef: json.kl_loss_coef ?? 0,
          clipRatio: json.clip_ratio,
          advClipMax: json.adv_clip_max,
          microBatchSize: (json.micro_batches as number[][])[0].length,
        },
      );
      const loss = (line.losses as Description[]).reduce((sum, one) => sum + one.scaled_loss, 0);
      comparison.compare(`loss ${update}`, policy.loss, loss, { atol: LOSS_ATOL, rtol: 0 });
      if (update === 0) compareGradients(comparison, goldenCase, policy.gradients);
      const { gradients, norm } = clipGradients(policy.gradients, max_grad_norm);
      if (update === 0) {
        comparison.compare('gradient norm', norm, line.grad_norm, { atol: 1e-7, rtol: NORM_RTOL });
      }
      optimizer.step(gradients);
      policy.dispose();
      if (update === 0) compareParameters(comparison, goldenCase, 'param_step1', variables);
      if (update === 2) compareParameters(comparison, goldenCase, 'param_step3', variables);
    }
  } finally {
    optimizer.dispose();
    scheduler.dispose();
    transformer.dispose();
  }
  return comparison.result();
};

function compareGradients(
  comparison: Comparison,
  goldenCase: GoldenCase,
  gradients: ReadonlyMap<string, tf.Tensor>,
): void {
  const without = goldenCase.json.params_without_grad as string[];
  comparison.equal(
    'parameters without a gradient',
    without.filter((name) => gradients.has(name)),
    [],
  );
  for (const name of [...goldenCase.tensors.keys()].filter((key) => key.startsWith('grad.'))) {
    const expected = goldenCase.tensor(name);
    const actual = gradients.get(name.slice('grad.'.length));
    if (actual === undefined) {
      comparison.fail(`${name} is missing`);
      continue;
    }
    const largest = tf.max(tf.abs(expected)).dataSync()[0];
    comparison.compare(name, actual, expected, { atol: GRADIENT_SHARE * largest + 1e-9, rtol: 0 });
  }
}
