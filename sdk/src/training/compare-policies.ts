import type { ModelMixin, PolicyState } from '../pipelines';
import { tf } from '../tensorflow';
import { ConsistencyReport } from './consistency-check';
import { comparesVelocities, type DistillLossMode } from './policy-loss';
import { replayPolicy } from './replay-policy';
import type { PolicyModel } from './replay-step';
import type { RolloutBatch } from './rollout-batch';
import {
  comparesMeans,
  correctRollout,
  rolloutAgreement,
  type RolloutCorrectionConfig,
} from './rollout-correction';

/** Which policies a rollout is compared with, and how. */
export interface ComparisonOptions {
  lossMode: string;
  clipRatio: number;
  microBatchSize: number;
  rolloutCorrection: RolloutCorrectionConfig | null;
  /** The KL term's. */
  reference: PolicyState | null;
  teacher: ModelMixin | null;
  distillLossCoef: number;
  distillLossMode: DistillLossMode;
  /** Whether other programs rolled out, whose log-probabilities are rounded otherwise. */
  isForeign: boolean;
  /** Whether the rollout's log-probabilities are to be checked. */
  checks: boolean;
  /** Pictures that are trained on: what the rollout recorded of the others may not be a number. */
  rows: readonly number[];
  signal: AbortSignal | null;
}

/** What a comparison found. */
export interface PolicyComparison {
  consistency: ConsistencyReport | null;
  /** By verl-omni's names. */
  metrics: Record<string, number>;
}

/**
 * Computes, before a step's updates, all that its losses compare the policy with, and adds it to the batch: the old
 * policy's log-probabilities and means where the rollout's do not do, the reference's and the teacher's means, and the
 * weights that correct for the rollout. Pictures that are not trained on have no part in checks, metrics and corrections.
 */
export async function comparePolicies(
  model: PolicyModel,
  batch: RolloutBatch,
  options: ComparisonOptions,
): Promise<PolicyComparison> {
  const { microBatchSize, signal, reference, teacher } = options;
  const replay = { microBatchSize, signal };
  const old = await recompute(model, batch, options);
  if (reference !== null) {
    const { log_probs, prev_sample_mean } = await reference.use(() =>
      replayPolicy(model, batch, replay),
    );
    log_probs.dispose();
    batch.tensors.ref_prev_sample_mean = prev_sample_mean;
  }
  if (teacher !== null) {
    const taught = await replayPolicy({ ...model, transformer: teacher }, batch, {
      ...replay,
      velocity: comparesVelocities(options),
    });
    taught.log_probs.dispose();
    batch.tensors.teacher_prev_sample_mean = taught.prev_sample_mean;
    batch.tensors.teacher_noise_pred = taught.noise_pred;
  }
  return old;
}

/** The old policy: recomputed when a loss, a correction or a check needs it. */
async function recompute(
  model: PolicyModel,
  batch: RolloutBatch,
  {
    lossMode,
    clipRatio,
    microBatchSize,
    rolloutCorrection,
    isForeign,
    checks,
    rows,
    signal,
  }: ComparisonOptions,
): Promise<PolicyComparison> {
  const needsMeans = comparesMeans(lossMode);
  const isDecoupled = rolloutCorrection !== null && !rolloutCorrection.bypass_mode;
  const counts = needsMeans || isDecoupled || isForeign;
  if (!counts && !checks) return { consistency: null, metrics: {} };
  const { log_probs, prev_sample_mean } = await replayPolicy(model, batch, {
    microBatchSize,
    signal,
  });
  const { tensors } = batch;
  if (counts) tensors.old_log_probs = log_probs;
  if (needsMeans) tensors.old_prev_sample_mean = prev_sample_mean;
  else prev_sample_mean.dispose();
  try {
    return await compare(log_probs, batch, {
      clipRatio: checks ? clipRatio : null,
      correction: isDecoupled ? rolloutCorrection : null,
      rows,
    });
  } finally {
    if (!counts) log_probs.dispose();
  }
}

/** The old policy's log-probabilities of some pictures against the rollout's. */
async function compare(
  oldLogProbs: tf.Tensor2D,
  { tensors, size, windowSize }: RolloutBatch,
  {
    clipRatio,
    correction,
    rows,
  }: {
    clipRatio: number | null;
    correction: RolloutCorrectionConfig | null;
    rows: readonly number[];
  },
): Promise<PolicyComparison> {
  if (rows.length === 0) return { consistency: null, metrics: {} };
  const recorded = tensors.all_log_probs as tf.Tensor2D;
  const [old, rollout, times] = await Promise.all(
    [oldLogProbs, recorded, tensors.all_timesteps as tf.Tensor2D].map(async (x) => {
      const values = await x.array();
      return rows.map((row) => values[row]);
    }),
  );
  const metrics = rolloutAgreement(old, rollout, times);
  if (correction !== null) {
    const corrected = correctRollout(old, rollout, correction);
    Object.assign(metrics, corrected.metrics);
    if (corrected.weights !== null) {
      const weights = Array.from({ length: size }, () => Array<number>(windowSize).fill(0));
      corrected.weights.forEach((values, at) => (weights[rows[at]] = values));
      tensors.rollout_is_weights = tf.tensor2d(weights);
    }
  }
  const consistency =
    clipRatio === null ? null : new ConsistencyReport(old.flat(), rollout.flat(), clipRatio);
  return { consistency, metrics: { ...metrics, ...consistency?.metrics } };
}
