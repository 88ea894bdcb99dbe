import { readFileSync } from 'node:fs';
import {
  AdamW,
  DiffusionModelConfig,
  FlowMatchEulerDiscreteScheduler,
  SD3Transformer2DModel,
  StableDiffusion3DPO,
  checkPairs,
  clipGradients,
  computeLoss,
  dpoGradients,
  noisePairs,
  predictNoised,
  referencePredictions,
  replayGenerator,
  selectPairs,
  tf,
  trainingTimes,
  type PairBatch,
} from '@flowbook/sdk';
import { addGradients } from '../../../sdk/src/training/add-gradients';
import { Comparison } from '../comparison';
import type { CaseResult, Description, FamilyCheck, GoldenCase } from '../golden-case';
import { compareGradients, compareParameters, tensorsUnder } from '../parts/training-check';

/** What the notes beside the tolerances allow. */
const TIMESTEP_ATOL = 1e-3;
const FORWARD = { atol: 5e-4, rtol: 0 };
const LOSS = { atol: 2e-3, rtol: 0 };
const NORM = { atol: 0, rtol: 1e-2 };

/** Draws to places in the training schedule. */
function checkTimes(goldenCase: GoldenCase): CaseResult {
  const { json, tensor } = goldenCase;
  const comparison = new Comparison();
  const config = readFileSync(goldenCase.path(`${json.model}/scheduler_config.json`), 'utf8');
  const scheduler = FlowMatchEulerDiscreteScheduler.fromConfig(JSON.parse(config) as object);
  compareTimes(comparison, scheduler, tensor('normal_draw'), {
    u: [tensor('u'), json.tolerance.atol],
    indices: [tensor('index'), 0],
    timesteps: [tensor('timestep'), TIMESTEP_ATOL],
    sigmas: [tensor('sigma'), json.tolerance.atol],
  });
  return comparison.result();
}

function compareTimes(
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

/** Scores to pairs. */
function checkSelection({ json }: GoldenCase): CaseResult {
  const comparison = new Comparison();
  for (const [at, { uid, scores, selected_indices }] of json.subcases.entries()) {
    const selected = selectPairs(uid, scores);
    comparison.equal(`pairs ${at}`, selected, selected_indices);
    checkPairs(
      selected.map((row) => uid[row]),
      selected.map((row) => scores[row]),
    );
  }
  return comparison.result();
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

async function checkTraining(goldenCase: GoldenCase): Promise<CaseResult> {
  const { json, tensors } = goldenCase;
  const comparison = new Comparison();
  const modelConfig = DiffusionModelConfig.from({
    path: goldenCase.path(json.model),
    algorithm: 'dpo',
    pipeline: { guidance_scale: json.guidance_scale ?? null },
  });
  const scheduler = StableDiffusion3DPO.buildScheduler(modelConfig);
  const transformer = SD3Transformer2DModel.fromPretrained(goldenCase.path(json.model));
  try {
    transformer.loadLora(goldenCase.path(json.lora));
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
    await checkUpdates(comparison, goldenCase, { transformer, modelConfig }, batch);
  } finally {
    transformer.dispose();
    scheduler.dispose();
  }
  return comparison.result();
}

/** Losses, metrics and gradients of each update, and the adapters after updates 1 and 3. */
async function checkUpdates(
  comparison: Comparison,
  goldenCase: GoldenCase,
  model: { transformer: SD3Transformer2DModel; modelConfig: DiffusionModelConfig },
  batch: PairBatch,
): Promise<void> {
  const { json } = goldenCase;
  const variables = model.transformer.trainableVariables();
  const { lr, betas, eps, weight_decay, max_grad_norm } = json.optimizer as Description;
  const optimizer = new AdamW(variables, { lr, betas, eps, weightDecay: weight_decay });
  for (const { optimizer_step, grad_norm, losses } of json.log as Description[]) {
    const sums = new Map<string, tf.Tensor>();
    for (const { rows, loss, metrics } of losses as Description[]) {
      const part = await dpoGradients(model, rowsOf(batch, rows), { dpoBeta: json.dpo_beta });
      const name = `update ${optimizer_step} rows ${rows}`;
      comparison.compare(`${name} loss`, part.loss, loss, LOSS);
      for (const [key, value] of Object.entries<number>(metrics)) {
        comparison.compare(`${name} ${key}`, part.metrics[key], value, LOSS);
      }
      addGradients(sums, part.gradients, 1 / losses.length);
      part.dispose();
    }
    const { gradients, norm } = clipGradients(sums, max_grad_norm);
    comparison.compare(`update ${optimizer_step} norm`, norm, grad_norm, NORM);
    if (optimizer_step === 1) {
      compareGradients(
        comparison,
        sums,
        tensorsUnder('grad.', goldenCase),
        json.params_without_grad,
      );
    }
    optimizer.step(gradients);
    tf.dispose([...sums.values(), ...gradients.values()]);
    const recorded = tensorsUnder(`param_step${optimizer_step}.`, goldenCase);
    compareParameters(comparison, variables, recorded, { lr });
  }
  optimizer.dispose();
}

/** Diffusion-DPO of Stable Diffusion 3: draws, pairs, predictions, and training of adapters. */
export const check: FamilyCheck = async (goldenCase) => {
  const { json } = goldenCase;
  if (json.subcases !== undefined) return checkSelection(goldenCase);
  if (json.log === undefined) return checkTimes(goldenCase);
  return checkTraining(goldenCase);
};
