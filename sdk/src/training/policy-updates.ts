import { advantageEstimators } from '../advantages';
import { throwIfAborted } from '../core/cell-signal';
import { optionsAmong } from '../core/option-rules';
import { mean } from '../core/statistics';
import { tf } from '../tensorflow';
import { applyGradients, type Learner } from './apply-gradients';
import type { FlowGRPOSettings } from './flow-grpo-settings';
import { trainedRateAt } from './learning-rate';
import { miniBatches } from './mini-batches';
import { policyGradients, POLICY_GRADIENT_RULES, type PolicyGradients } from './policy-gradients';
import type { PolicyModel } from './replay-step';
import type { RolloutBatch } from './rollout-batch';
import type { StepRewards } from './score-step';
import type { PolicyReport } from './step-report';
import type { RatedRollout } from './rollout-trainer';

/** What a step's updates report. */
export type PolicyUpdateReport = Omit<PolicyReport, 'consistency' | 'window'>;

/** What is updated, and by what. */
export interface PolicyUpdater extends Learner {
  model: PolicyModel;
  settings: FlowGRPOSettings;
}

/**
 * Updates the weights from a rated rollout: `ppoEpochs` passes over its mini-batches. Pictures that could not be rated are
 * left out.
 *
 * @throws The signal's reason once it is aborted, and when the first mini-batch starts outside of the clip range, unless
 *   `onMismatch` is 'report'.
 */
export async function updatePolicy(
  { model, settings, ...learner }: PolicyUpdater,
  { batch, scored, step, key }: RatedRollout,
  signal: AbortSignal | null,
): Promise<PolicyUpdateReport> {
  const { optimizer } = learner;
  optimizer.lr = trainedRateAt(step, settings);
  const advantages = advantagesOf(batch, scored, settings);
  const updates: (Omit<PolicyGradients, 'gradients' | 'parts' | 'dispose'> & { norm: number })[] =
    [];
  const options = {
    ...optionsAmong(settings, POLICY_GRADIENT_RULES),
    distillLossCoef: settings.teacher === null ? 0 : settings.distillLossCoef,
    lossConfig: { ...settings.lossConfig, compat: settings.compat },
  };
  const dealt = miniBatches(scored.rated, {
    size: settings.miniBatchSize,
    epochs: settings.ppoEpochs,
    shuffle: settings.shuffle,
    order: settings.dataLoaderSeed ?? key,
  });
  try {
    for (const rows of dealt) {
      const policy = await policyGradients(model, batch, advantages, { ...options, rows, signal });
      try {
        if (updates.length === 0) checkReplay(policy.ratioGap, settings);
        throwIfAborted(signal);
        const norm = await applyGradients(learner, policy.gradients, settings.maxGradNorm);
        updates.push({ ...policy, norm });
      } finally {
        policy.dispose();
      }
    }
  } finally {
    advantages.dispose();
  }
  const meanOf = (read: (update: (typeof updates)[number]) => number) => mean(updates.map(read));
  return {
    updates: updates.length,
    loss: meanOf(({ loss }) => loss),
    ratioMean: meanOf(({ ratioMean }) => ratioMean),
    clipFraction: meanOf(({ clipFraction }) => clipFraction),
    approxKl: meanOf(({ approxKl }) => approxKl),
    gradNorm: meanOf(({ norm }) => norm),
    replayGap: updates[0]?.ratioGap ?? NaN,
    metrics: Object.fromEntries(
      Object.keys(updates[0]?.metrics ?? {}).map((name) => [
        name,
        meanOf(({ metrics }) => metrics[name]),
      ]),
    ),
    skippedUpdates: updates.filter(({ norm }) => !Number.isFinite(norm)).length,
    learningRate: optimizer.lr,
  };
}

/** (B, W); 0 for pictures that could not be rated, which no update takes. */
function advantagesOf(
  batch: RolloutBatch,
  { rewards, rated }: StepRewards,
  { advEstimator, globalStd, normAdvByStdInGrpo, lossMode, compat }: FlowGRPOSettings,
): tf.Tensor2D {
  const W = batch.windowSize;
  if (rated.length === 0) return tf.zeros([batch.size, W]);
  const estimate = advantageEstimators.get(
    advEstimator ?? (lossMode === 'dance_grpo' ? 'dance_grpo' : 'flow_grpo'),
  );
  return tf.tidy(() => {
    const compared = estimate(
      rated.map((row) => rewards[row]),
      rated.map((row) => batch.groups[row]),
      { globalStd, normAdvByStdInGrpo, compat, width: W },
    );
    if (rated.length === batch.size) return compared;
    const places = tf.tensor2d(rated, [rated.length, 1], 'int32');
    return tf.scatterND(places, compared, [batch.size, W]) as tf.Tensor2D;
  });
}

function checkReplay(ratioGap: number, { clipRatio, onMismatch }: FlowGRPOSettings): void {
  if (onMismatch === 'stop' && !(ratioGap <= clipRatio)) {
    throw new Error(
      `Cannot train as the replay of a rollout must give its own log-probabilities, within the clip ratio of ${clipRatio}: largest |ratio - 1| is ${ratioGap}`,
    );
  }
}
