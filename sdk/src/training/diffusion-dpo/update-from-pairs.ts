import { throwIfAborted } from '../../core/cell-signal';
import { referencePredictions, type PairBatch, type PolicyState } from '../../pipelines';
import { tf } from '../../tensorflow';
import { applyGradients, type Learner } from '../apply-gradients';
import { dpoGradients, type DpoModel } from '../dpo-gradients';
import type { UpdateLine } from '../mean-updates';

/** What pairs update. */
export interface PairLearner extends Learner {
  model: DpoModel;
  reference: PolicyState;
}

/** How pairs update it. */
export interface PairUpdateSettings {
  dpoBeta: number;
  /** Updates from the same pairs. */
  ppoEpochs: number;
  maxGradNorm: number;
  /** Rows that go through the model at once. */
  microBatchSize: number;
}

/**
 * Updates the weights from noised pairs by Diffusion-DPO: the reference predicts once, then every epoch is one update.
 *
 * @param pairs Without `ref_noise_pred`; they stay the caller's.
 * @returns What each update reports.
 */
export async function updateFromPairs(
  { model, reference, ...learner }: PairLearner,
  pairs: PairBatch,
  { dpoBeta, ppoEpochs, maxGradNorm, microBatchSize }: PairUpdateSettings,
  signal: AbortSignal | null,
): Promise<UpdateLine[]> {
  const rows = 2 * Math.max(1, Math.floor(microBatchSize / 2));
  const { transformer, modelConfig } = model;
  const ref_noise_pred = referencePredictions(transformer, modelConfig, pairs, reference);
  const updates: UpdateLine[] = [];
  try {
    for (let epoch = 0; epoch < ppoEpochs; epoch++) {
      const options = { dpoBeta, microBatchSize: rows, signal };
      const part = await dpoGradients(model, { ...pairs, ref_noise_pred }, options);
      try {
        throwIfAborted(signal);
        const norm = applyGradients(learner, part.gradients, maxGradNorm);
        updates.push({ loss: part.loss, metrics: part.metrics, norm });
      } finally {
        part.dispose();
      }
    }
  } finally {
    tf.dispose(ref_noise_pred);
  }
  return updates;
}
