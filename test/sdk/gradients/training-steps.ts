import {
  combineTrueCfg,
  computeLoss,
  FlowMatchSDEDiscreteScheduler,
  RandomKey,
  tf,
  type LossInputs,
} from '@flowbook/sdk';
import { normal } from '../models/check-gradient';
import * as qwen from '../models/tiny-transformer';
import * as sd3 from '../models/stable-diffusion-3/tiny-transformer';

/** A tiny model of each architecture and kind, with one batch of inputs. */
export const models = {
  'Qwen-Image': () => ({ model: qwen.tinyTransformer(), inputs: qwen.tinyInputs() }),
  'Stable Diffusion 3': () => ({ model: sd3.tinyTransformer(), inputs: sd3.tinyInputs() }),
  'Stable Diffusion 3.5': () => ({
    model: sd3.tinyTransformer(sd3.VERSION_3_5),
    inputs: sd3.tinyInputs(),
  }),
} as const;

/** A model's prediction as a function, and what training changes. */
export interface Trainee {
  predict(): tf.Tensor;
  variables: ReadonlyMap<string, tf.Variable>;
  dispose(): void;
}

/** Makes a model, with adapters (B not zero, so that A has a gradient) or without. */
export function makeTrainee(name: keyof typeof models, withLora: boolean): Trainee {
  const { model, inputs } = models[name]();
  if (withLora) {
    model.addLora({ rank: 2, alpha: 3, key: RandomKey.fromSeed(1) });
    for (const [path, variable] of model.trainableVariables()) {
      if (path.includes('lora_B')) variable.assign(normal(path, variable.shape).mul(0.3));
    }
  }
  return {
    predict: () => (model.forward as (inputs: object) => [tf.Tensor])(inputs)[0],
    variables: model.trainableVariables(),
    dispose: () => model.dispose(),
  };
}

/** All losses that a training step can have, on one velocity: policy losses through a step of the scheduler. */
export function trainingLoss(v: tf.Tensor, sdeType: string): tf.Scalar {
  const scheduler = new FlowMatchSDEDiscreteScheduler({ shift: 3 });
  scheduler.setTimesteps(6);
  const like = (name: string) => normal(name, v.shape);
  const x = like('sample');
  const guided = combineTrueCfg(v, like('negative').add(v), 2);
  const [, log_probs, prev_sample_mean, std_dev_t, sqrt_dt] = scheduler.samplePreviousStep(
    x,
    guided,
    {
      timestep: tf.tensor1d([scheduler.timestepValues[2], scheduler.timestepValues[3]]),
      prevSample: like('next'),
      sdeType,
      returnSqrtDt: true,
    },
  );
  const B = v.shape[0];
  const inputs: LossInputs = {
    log_probs,
    old_log_probs: (log_probs as tf.Tensor).add(0.01),
    advantages: tf.tensor1d([1, -1]),
    prev_sample_mean,
    old_prev_sample_mean: like('old mean'),
    ref_prev_sample_mean: like('reference mean'),
    teacher_prev_sample_mean: like('teacher mean'),
    std_dev_t,
    sqrt_dt,
    rollout_is_weights: tf.tensor1d([1, 2]),
    noise_pred: v,
    ref_noise_pred: like('reference'),
    teacher_noise_pred: like('teacher'),
    latents_clean: like('clean'),
    noise: like('noise'),
    x0: like('clean'),
    xt: x,
    t_expanded: tf.fill([B, ...v.shape.slice(1).map(() => 1)], 0.4),
    forward_prediction: v,
    old_prediction: like('old'),
    ref_forward_prediction: like('reference'),
    reward_prob: tf.tensor1d([0.2, 0.9]),
  };
  const names = [
    'flow_grpo',
    'grpo_guard',
    'flow_dppo',
    'kl',
    'distill_kl',
    'distill_fm_mse',
    'dpo',
    'diffusion_nft',
  ];
  const config = { clip_ratio: 0.5, dpo_beta: 1, ref_kl_coef: 0.1 };
  return tf.addN(names.map((name) => computeLoss(name, inputs, config).loss)) as tf.Scalar;
}
