import { computeLoss, losses, type LossConfig, type LossInputs, type LossOutput } from '../losses';
import { tf } from '../tensorflow';
import { correctRollout, type RolloutCorrectionConfig } from './rollout-correction';

/** How the policy's distance to a teacher is measured: by means of steps, or by velocities. */
export type DistillLossMode = 'distill_kl' | 'distill_fm_mse';

/** What a policy loss is made of. */
export interface PolicyLossOptions {
  /** A registered policy loss. Default 'flow_grpo'. GRPO-Guard and Flow-DPPO need `old_prev_sample_mean`. */
  lossMode?: string;
  /** Weight of the distance to a reference model, which needs `ref_prev_sample_mean`. Default 0. */
  klLossCoef?: number;
  /** Weight of the distance to a teacher, which needs `teacher_prev_sample_mean` or `teacher_noise_pred`. Default 0. */
  distillLossCoef?: number;
  /** Default 'distill_kl'. */
  distillLossMode?: DistillLossMode;
  /** In bypass mode, steps that moved too far from the rollout are rejected by it. Default: none are. */
  rolloutCorrection?: Partial<RolloutCorrectionConfig> | null;
}

/**
 * The loss of one step of a rollout, with all its parts:
 *
 *   L = L_policy + klLossCoef KL(policy, reference) + distillLossCoef D(policy, teacher)
 *
 * In bypass mode the old log-probabilities are the rollout's, so that the ratio itself is the importance weight: only
 * `rollout_rs` counts then, and rejects by the current policy's log-probabilities, step by step.
 *
 * @param inputs The replayed step with what it is compared with, by verl-omni's names.
 * @throws When a part lacks its inputs (names the loss and them).
 *
 * @example
 * const inputs = {
 *   log_probs: tf.zeros([2]),
 *   old_log_probs: tf.zeros([2]),
 *   advantages: tf.tensor1d([1, 3]),
 *   prev_sample_mean: tf.ones([2, 4, 1]),
 *   ref_prev_sample_mean: tf.zeros([2, 4, 1]),
 *   std_dev_t: tf.ones([2, 1, 1]),
 * };
 * policyLoss(inputs, { klLossCoef: 1 }, { clip_ratio: 0.2 }).loss; // -1.5 // -2 by the advantages, 1/2 by the divergence
 */
export function policyLoss(
  inputs: LossInputs,
  {
    lossMode = 'flow_grpo',
    klLossCoef = 0,
    distillLossCoef = 0,
    distillLossMode = 'distill_kl',
    rolloutCorrection = null,
  }: PolicyLossOptions,
  config: Partial<LossConfig>,
): LossOutput {
  const { weights, metrics } = rolloutCorrection?.bypass_mode
    ? rejectStep(inputs, rolloutCorrection)
    : { weights: inputs.rollout_is_weights, metrics: {} };
  const policy = computeLoss(lossMode, { ...inputs, rollout_is_weights: weights }, config);
  const terms: [loss: string, coefficient: number][] = [
    ['kl', klLossCoef],
    [distillLossMode, distillLossCoef],
  ];
  let { loss } = policy;
  Object.assign(metrics, policy.metrics);
  for (const [name, coefficient] of terms) {
    if (coefficient === 0) continue;
    const term = computeLoss(name, inputs, config);
    loss = tf.add(loss, tf.mul(term.loss, coefficient));
    Object.assign(metrics, term.metrics);
  }
  return { loss, metrics };
}

/**
 * Whether a part of the loss compares velocities: a replayed step has them where they are asked for.
 *
 * @example
 * comparesVelocities({ distillLossCoef: 1, distillLossMode: 'distill_fm_mse' }); // true
 */
export function comparesVelocities({
  lossMode = 'flow_grpo',
  distillLossCoef = 0,
  distillLossMode = 'distill_kl',
}: PolicyLossOptions): boolean {
  const parts = distillLossCoef === 0 ? [lossMode] : [lossMode, distillLossMode];
  return parts.some((part) => losses.get(part).requiredInputs.includes('noise_pred'));
}

/** Bypass mode's rejection of one step, with what it reports. */
function rejectStep(
  { log_probs, old_log_probs }: LossInputs,
  config: Partial<RolloutCorrectionConfig>,
): { weights: tf.Tensor | null; metrics: Record<string, tf.Scalar> } {
  const column = (x: tf.Tensor | null | undefined) =>
    Array.from((x as tf.Tensor).dataSync(), (value) => [value]);
  const current = column(log_probs);
  const rollout = column(old_log_probs);
  const { metrics } = correctRollout(current, rollout, config);
  const { weights } = correctRollout(current, rollout, { ...config, rollout_is: null });
  return {
    weights: weights === null ? null : tf.tensor1d(weights.flat()),
    metrics: Object.fromEntries(
      Object.entries(metrics).map(([name, value]) => [`actor/${name}`, tf.scalar(value)]),
    ),
  };
}
