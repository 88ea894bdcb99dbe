import { ANYTHING, checkOptions, number, oneOf, TEXT, type Rules } from '../core/option-rules';
import { losses, type LossConfig, type LossInputs, type LossOutput } from '../losses';
import { computePart } from '../losses/loss';
import { lossConfigRule } from '../losses/loss-config';
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

const WEIGHT = number({ least: 0 });

/** What the options of a policy loss must be. */
export const POLICY_LOSS_RULES: Rules<PolicyLossOptions> = {
  lossMode: TEXT,
  klLossCoef: WEIGHT,
  distillLossCoef: WEIGHT,
  distillLossMode: oneOf('distill_kl', 'distill_fm_mse'),
  rolloutCorrection: ANYTHING,
};

/** The losses beside the policy's own, and what they count. */
function furtherTerms({
  klLossCoef = 0,
  distillLossCoef = 0,
  distillLossMode = 'distill_kl',
}: PolicyLossOptions): [loss: string, coefficient: number][] {
  const terms: [string, number][] = [
    ['kl', klLossCoef],
    [distillLossMode, distillLossCoef],
  ];
  return terms.filter(([, coefficient]) => coefficient !== 0);
}

/**
 * Checks the settings that the losses share.
 *
 * @param action What cannot be done otherwise, as errors begin: 'train'.
 * @param options Which losses are asked.
 * @throws When there is no such setting, or one breaks its rule. A loss of one's own may take others, see `Loss.ownSettings`.
 *
 * @example
 * checkLossConfig('train', { clip_ratio: 0.2 }, { lossMode: 'flow_grpo' }); // undefined // nothing to say against it
 */
export function checkLossConfig(
  action: string,
  lossConfig: Partial<LossConfig>,
  options: PolicyLossOptions,
): void {
  const lossMode = options.lossMode ?? 'flow_grpo';
  const names = [lossMode, ...furtherTerms(options).map(([name]) => name)];
  const parts = names.map((name) => losses.get(name));
  const rules = { lossConfig: lossConfigRule(lossMode, parts) };
  checkOptions(action, { lossConfig }, rules);
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
 * @throws When there is no such option or setting or one breaks its rule, and when a part lacks its inputs (names the loss and
 *   them).
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
  options: PolicyLossOptions,
  config: Partial<LossConfig>,
): LossOutput {
  checkOptions('compute a policy loss', options, POLICY_LOSS_RULES);
  checkLossConfig('compute a policy loss', config, options);
  const { lossMode = 'flow_grpo', rolloutCorrection = null } = options;
  const { weights, metrics } = rolloutCorrection?.bypass_mode
    ? rejectStep(inputs, rolloutCorrection)
    : { weights: inputs.rollout_is_weights, metrics: {} };
  const policy = computePart(lossMode, { ...inputs, rollout_is_weights: weights }, config);
  let { loss } = policy;
  Object.assign(metrics, policy.metrics);
  for (const [name, coefficient] of furtherTerms(options)) {
    const term = computePart(name, inputs, config);
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
