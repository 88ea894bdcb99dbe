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
  type LossConfig,
  type PolicyGradientPart,
} from '@flowbook/sdk';
import { dirname } from 'node:path';
import { addGradients } from '../../../sdk/src/training/add-gradients';
import { Comparison, type Tolerance } from '../comparison';
import type { Description, FamilyCheck, GoldenCase } from '../golden-case';
import { compareGradients, compareParameters, tensorsUnder } from '../parts/training-check';

/**
 * Log-probabilities near 1 are rounded to 6e-8 at every operation, and what is made of their differences (ratios, ppo_kl) has
 * that error whatever its own size: one of 3e-6 is found to 1 %. Measured: 2e-7, and 8e-7 for a loss whose advantages are 5.
 */
const LOG_PROB = { atol: 1e-6, rtol: 1e-6 };
const LOSS = { atol: 2e-6, rtol: 1e-6 };
/** A mean of squares, of any size: measured 3e-5. */
const KL = { atol: 0, rtol: 1e-3 };
/** What the note beside the tolerance allows. */
const NORM = { atol: 1e-7, rtol: 1e-3 };

function batchOf(goldenCase: GoldenCase): RolloutBatch {
  const optional = (name: string) => goldenCase.tensors.get(name) ?? null;
  const { height, width } = goldenCase.json;
  const prompts = goldenCase.json.group_index as string[];
  const names = [...new Set(prompts)];
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
    prompts: prompts.map((prompt) => ({ prompt })),
    groups: prompts.map((name) => names.indexOf(name)),
    height,
    width,
    window: [0, W],
  });
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
  if (json.lora !== null) transformer.loadLora(goldenCase.path(json.lora));
  const variables = transformer.trainableVariables();
  const { lr, betas, eps, weight_decay, max_grad_norm } = json.optimizer as Description;
  const optimizer = new AdamW(variables, { lr, betas, eps, weightDecay: weight_decay });
  const model = { transformer, scheduler, modelConfig };
  const batch = batchOf(goldenCase);
  const advantages = goldenCase.tensor('advantages') as tf.Tensor2D;
  try {
    for (const { optimizer_step, grad_norm, losses } of json.log as Description[]) {
      const sums = new Map<string, tf.Tensor>();
      for (const [at, rows] of (json.micro_batches as number[][]).entries()) {
        const policy = await policyGradients(model, batch, advantages, {
          rows,
          microBatchSize: rows.length,
          lossMode: json.loss_mode,
          klLossCoef: json.kl_loss_coef ?? 0,
          clipRatio: json.clip_ratio,
          advClipMax: json.adv_clip_max,
          lossConfig: lossConfigOf(json),
        });
        for (const line of (losses as Description[]).filter((one) => one.micro_batch === at)) {
          const part = policy.parts[line.window_step];
          comparePart(comparison, `update ${optimizer_step} rows ${rows}`, part, line);
        }
        addGradients(sums, policy.gradients, 1 / json.micro_batches.length);
        policy.dispose();
      }
      const { gradients, norm } = clipGradients(sums, max_grad_norm);
      comparison.compare(`update ${optimizer_step} norm`, norm, grad_norm, NORM);
      if (optimizer_step === 1) {
        const recorded = tensorsUnder('grad.', goldenCase);
        compareGradients(comparison, sums, recorded, json.params_without_grad);
      }
      optimizer.step(gradients);
      tf.dispose([...sums.values(), ...gradients.values()]);
      const recorded = tensorsUnder(`param_step${optimizer_step}.`, goldenCase);
      compareParameters(comparison, variables, recorded, { lr });
    }
  } finally {
    optimizer.dispose();
    scheduler.dispose();
    transformer.dispose();
  }
  return comparison.result();
};

/** What a case says about its loss beyond the options of `policyGradients`. */
function lossConfigOf({ kl_mask_threshold, add_kl_coefficient }: Description): Partial<LossConfig> {
  const given = Object.entries({ kl_mask_threshold, add_kl_coefficient });
  const settings = Object.fromEntries(given.filter(([, value]) => (value ?? null) !== null));
  return { ...settings, compat: 'verl-omni' };
}

/** Loss, metrics, log-probabilities and ratios of one micro-batch at one step. */
function comparePart(
  comparison: Comparison,
  update: string,
  part: PolicyGradientPart,
  line: Description,
): void {
  const name = `${update} step ${line.window_step}`;
  comparison.compare(`${name} loss`, part.metrics.loss, line.loss, LOSS);
  comparison.compare(`${name} log_prob`, part.logProbs, line.log_prob, LOG_PROB);
  for (const [key, value] of Object.entries<number>(line.metrics)) {
    comparison.compare(`${name} ${key}`, part.metrics[key], value, toleranceOf(key));
  }
}

/** What a recorded loss or metric may be off by. */
export function toleranceOf(key: string): Tolerance {
  if (key === 'loss') return LOSS;
  return key === 'actor/kl_loss' ? KL : LOG_PROB;
}
