import { withoutUndefined } from '../../core/without-undefined';
import { losses } from '../../losses';
import { importanceWeights } from './importance-weights';
import { logRatioOf, offPolicyMetrics, underPrefix } from './off-policy-metrics';
import { rejectionMask } from './rejection-mask';

/** verl-omni's `algorithm.rollout_correction`. */
export interface RolloutCorrectionConfig {
  /** Take the rollout's log-probabilities for the old policy's instead of computing them again. Default false. */
  bypass_mode: boolean;
  /** Level of importance weights: 'token', 'sequence', or null for none. Default null. */
  rollout_is: 'token' | 'sequence' | null;
  /** Largest weight; or '0.5_2': weights outside of the two are 0. Default 2. */
  rollout_is_threshold: number | string;
  /** Divide weights by their mean over the batch. Default false. */
  rollout_is_batch_normalize: boolean;
  /** Criteria of rejection, divided by commas, as 'seq_mean_k1'; null for none. Default null. */
  rollout_rs: string | null;
  /** One for all criteria or one for each, divided by commas: '0.5_2' for k1, an upper bound for k2 and k3. */
  rollout_rs_threshold: number | string | null;
  /** The loss that bypass mode feeds; there is one. */
  loss_type: 'ppo_clip';
}

const DEFAULTS: RolloutCorrectionConfig = {
  bypass_mode: false,
  rollout_is: null,
  rollout_is_threshold: 2,
  rollout_is_batch_normalize: false,
  rollout_rs: null,
  rollout_rs_threshold: null,
  loss_type: 'ppo_clip',
};

/** What correction comes to. */
export interface RolloutCorrection {
  /** (B, W) what each step's loss is multiplied by: importance weight times 1 or 0; null when nothing was asked for. */
  weights: number[][] | null;
  /** By verl-omni's names, as `rollout_corr/rollout_is_mean`. */
  metrics: Record<string, number>;
}

/**
 * Fills in the defaults and checks.
 *
 * @param lossMode The policy loss: those that compare means need the old policy's, which bypass mode does not compute.
 * @throws When a key is unknown, `loss_type` is another, the loss is not registered, or bypass mode meets GRPO-Guard
 *   or Flow-DPPO.
 *
 * @example
 * rolloutCorrectionConfig({ rollout_is: 'token' }).rollout_is_threshold; // 2
 */
export function rolloutCorrectionConfig(
  config: Partial<RolloutCorrectionConfig>,
  lossMode = 'flow_grpo',
): RolloutCorrectionConfig {
  const unknown = Object.keys(config).filter((key) => !(key in DEFAULTS));
  if (unknown.length > 0) {
    throw new Error(
      `Cannot correct rollouts as rollout_correction takes ${Object.keys(DEFAULTS).join(', ')}: current value has ${unknown.join(', ')}`,
    );
  }
  const settings: RolloutCorrectionConfig = { ...DEFAULTS, ...withoutUndefined(config) };
  if (settings.loss_type !== 'ppo_clip') {
    throw new Error(
      `Cannot correct rollouts as loss_type must be ppo_clip: current value is ${settings.loss_type as string}`,
    );
  }
  if (settings.bypass_mode && comparesMeans(lossMode)) {
    throw new Error(
      `Cannot use rollout_correction.bypass_mode with loss "${lossMode}" as that loss compares the step's mean with the old policy's, which bypass mode does not compute: set bypass_mode to false, or use flow_grpo`,
    );
  }
  return settings;
}

/** Whether a policy loss compares the step's mean with the old policy's, as GRPO-Guard and Flow-DPPO do. */
export function comparesMeans(lossMode: string): boolean {
  return losses.get(lossMode).requiredInputs.includes('old_prev_sample_mean');
}

/**
 * Corrects for a rollout whose policy is not exactly the trainer's (another precision, other kernels, older weights):
 * importance weights min(exp(logProb - rolloutLogProb), threshold), and rejection of what differs too much.
 *
 * Rejected steps get weight 0 and stay in the mean of the loss.
 *
 * Source: verl-omni's decoupled mode, verl's rollout correction
 * (https://verl.readthedocs.io/en/latest/algo/rollout_corr_math.html).
 *
 * @param logProbs (B, W) of the trainer: the old policy's, or in bypass mode the current one's.
 * @param rolloutLogProbs (B, W) as the rollout recorded them.
 * @throws When shapes differ, or a setting breaks its rule.
 *
 * @example
 * correctRollout([[0.1, 0.2]], [[0, 0]], { rollout_is: 'sequence' }).weights; // [[1.35, 1.35]] // exp(0.3)
 */
export function correctRollout(
  logProbs: readonly (readonly number[])[],
  rolloutLogProbs: readonly (readonly number[])[],
  config: Partial<RolloutCorrectionConfig> = {},
): RolloutCorrection {
  const settings = rolloutCorrectionConfig(config);
  const shape = (rows: readonly (readonly number[])[]) => rows.map((row) => row.length).join();
  if (shape(logProbs) !== shape(rolloutLogProbs) || logProbs.length === 0) {
    throw new Error(
      `Cannot correct rollouts as the two log-probabilities must have one shape (B, W): current values have rows of ${shape(logProbs) || 'none'} and ${shape(rolloutLogProbs) || 'none'}`,
    );
  }
  const logRatio = logRatioOf(logProbs, rolloutLogProbs);
  const metrics = offPolicyMetrics(logProbs, rolloutLogProbs);
  let weights: number[][] | null = null;
  if (settings.rollout_is !== null) {
    const importance = importanceWeights(logRatio, {
      level: settings.rollout_is,
      threshold: settings.rollout_is_threshold,
      batchNormalize: settings.rollout_is_batch_normalize,
    });
    weights = importance.weights;
    Object.assign(metrics, importance.metrics);
  }
  if (settings.rollout_rs !== null) {
    const { mask, metrics: rejected } = rejectionMask(
      logRatio,
      settings.rollout_rs,
      settings.rollout_rs_threshold,
    );
    weights = mask.map((row, b) =>
      row.map((kept, w) => (weights === null ? kept : kept * weights[b][w])),
    );
    Object.assign(metrics, rejected);
  }
  return { weights, metrics: underPrefix(metrics) };
}
