import {
  computeLoss,
  dpoGradients,
  noisePairs,
  predictNoised,
  referencePredictions,
  replayGenerator,
  tf,
  trainingTimes,
  type DpoModel,
  type FlowMatchEulerDiscreteScheduler,
  type PairBatch,
} from '@flowbook/sdk';
import { Comparison } from '../comparison';
import type { CaseResult, GoldenCase } from '../golden-case';
import { checkUpdates } from './updates-check';
import { compareGradients } from './training-check';

/** What the notes beside the tolerances allow. */
const TIMESTEP_ATOL = 1e-3;
const FORWARD = { atol: 5e-4, rtol: 0 };
const LOSS = { atol: 2e-3, rtol: 0 };
const NORM = { atol: 0, rtol: 1e-2 };

/** Draws to places in the training schedule. */
export function compareTimes(
  comparison: Comparison,
  scheduler: FlowMatchEulerDiscreteScheduler,
  draws: tf.Tensor,
  expected: Record<keyof ReturnType<typeof trainingTimes>, [tf.Tensor, number]>,
): void {
  const times = trainingTimes(scheduler, draws.dataSync());
  for (const [name, [tensor, atol]] of Object.entries(expected)) {
    comparison.compare(name, times[name as keyof typeof times], tensor.dataSync(), {
      atol,
      rtol: atol === 0 ? 0 : 1e-6,
    });
  }
}

/** Some rows of every tensor of a batch. */
function rowsOf(batch: PairBatch, rows: readonly number[]): PairBatch {
  const index = tf.tensor1d([...rows], 'int32');
  const taken = Object.entries(batch).map(([name, value]) => [
    name,
    value instanceof tf.Tensor ? tf.gather(value, index) : value,
  ]);
  return Object.fromEntries(taken) as PairBatch;
}

function checkNoising(
  comparison: Comparison,
  goldenCase: GoldenCase,
  scheduler: FlowMatchEulerDiscreteScheduler,
): void {
  const { tensor } = goldenCase;
  const draws = tensor('timestep_normal_draw');
  const noised = noisePairs(tensor('latents_clean'), scheduler, {
    generator: replayGenerator([tensor('pair_noise'), draws]),
  });
  comparison.compare('noise', noised.noise, tensor('noise'), { atol: 0, rtol: 0 });
  comparison.compare('timesteps', noised.timesteps, tensor('timesteps'), {
    atol: TIMESTEP_ATOL,
    rtol: 0,
  });
  comparison.compare('noisy_latents', noised.noisy_latents, tensor('noisy_latents'), {
    atol: 1e-5,
    rtol: 1e-5,
  });
  const everySecond = (x: tf.Tensor) => tf.stridedSlice(x, [0], [x.shape[0]], [2]);
  compareTimes(comparison, scheduler, draws, {
    u: [tensor('timestep_u'), 1e-6],
    indices: [tensor('timestep_index'), 0],
    timesteps: [everySecond(tensor('timesteps')), TIMESTEP_ATOL],
    sigmas: [everySecond(tensor('sigmas_for_timesteps')), 1e-6],
  });
}

/** The gradient of the loss at a recorded prediction. */
function checkLossGradient(comparison: Comparison, { json, tensor, tensors }: GoldenCase): void {
  const prediction = tensors.get('model_noise_pred');
  const expected = tensors.get('grad_wrt_noise_pred');
  if (prediction === undefined || expected === undefined) return;
  const gradient = tf.grad((noise_pred: tf.Tensor) => {
    const inputs = {
      noise_pred,
      ref_noise_pred: tensor('ref_noise_pred'),
      latents_clean: tensor('latents_clean'),
      noise: tensor('noise'),
    };
    return computeLoss('dpo', inputs, { dpo_beta: json.dpo_beta }).loss;
  })(prediction);
  compareGradients(comparison, new Map([['wrt_noise_pred', gradient]]), {
    wrt_noise_pred: expected,
  });
}

/**
 * Diffusion-DPO of a model with adapters: noised pairs, predictions of the reference and of the policy, and three updates.
 *
 * @param scheduler On its training schedule; is disposed.
 */
export async function checkDpoTraining(
  goldenCase: GoldenCase,
  model: DpoModel,
  scheduler: FlowMatchEulerDiscreteScheduler,
): Promise<CaseResult> {
  const { json, tensors } = goldenCase;
  const { transformer, modelConfig } = model;
  const comparison = new Comparison();
  try {
    checkNoising(comparison, goldenCase, scheduler);
    checkLossGradient(comparison, goldenCase);
    const batch = Object.fromEntries(
      [...tensors].filter(([name]) => !/^(grad|param_|lora_init|pair_|timestep_)/.test(name)),
    ) as unknown as PairBatch;
    const reference = referencePredictions(transformer, modelConfig, batch);
    comparison.compare('ref_noise_pred', reference, goldenCase.tensor('ref_noise_pred'), FORWARD);
    const expected = tensors.get('model_noise_pred');
    if (expected !== undefined) {
      const prediction = predictNoised(transformer, modelConfig, batch);
      comparison.compare('model_noise_pred', prediction, expected, FORWARD);
    }
    await checkUpdates(comparison, goldenCase, {
      variables: transformer.trainableVariables(),
      tolerance: { loss: LOSS, norm: NORM },
      gradientsOf: ({ rows }) =>
        dpoGradients(model, rowsOf(batch, rows as number[]), { dpoBeta: json.dpo_beta }),
    });
  } finally {
    scheduler.dispose();
  }
  return comparison.result();
}
