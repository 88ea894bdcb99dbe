import { throwIfAborted } from '../../core/cell-signal';
import type { PairBatch, PolicyState } from '../../pipelines';
import { tf, tidyResult } from '../../tensorflow';
import { applyGradients, type Learner } from '../apply-gradients';
import type { UpdateLine } from '../mean-updates';
import { pairGradients, type DpoGradientOptions, type DpoModel } from './pair-gradients';
import { requirePairs } from './require-pairs';
import { disposeSlices, sliceRows } from '../slice-rows';
import { predictReference } from './predict-reference';

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
  /** Pairs for each update; null for all. */
  miniBatchSize: number | null;
  /** Rows that go through the model, or the reference, at once. */
  microBatchSize: number;
}

/**
 * Updates the weights from noised pairs by Diffusion-DPO: the reference predicts once, then every mini-batch of every epoch,
 * in order, is one update. The last one of an epoch may be smaller.
 *
 * @param pairs Without `ref_noise_pred`; they stay the caller's.
 * @returns What each update reports.
 * @throws When they are no pairs; see `requirePairs`.
 */
export async function updateFromPairs(
  { model, reference, ...learner }: PairLearner,
  pairs: PairBatch,
  { dpoBeta, ppoEpochs, maxGradNorm, miniBatchSize, microBatchSize }: PairUpdateSettings,
  signal: AbortSignal | null,
): Promise<UpdateLine[]> {
  const options = {
    dpoBeta,
    microBatchSize: 2 * Math.max(1, Math.floor(microBatchSize / 2)),
    signal,
  };
  requirePairs(pairs, options.microBatchSize);
  const ref_noise_pred = await predictReference(model, reference, pairs, options);
  const all = { ...pairs, ref_noise_pred };
  const [B] = pairs.noisy_latents.shape;
  const rowsEach = miniBatchSize === null ? B : 2 * miniBatchSize;
  const updates: UpdateLine[] = [];
  try {
    for (let epoch = 0; epoch < ppoEpochs; epoch++) {
      for (let start = 0; start < B; start += rowsEach) {
        const rows = Math.min(rowsEach, B - start);
        const mini = tidyResult(() => sliceRows(all, start, rows, B));
        try {
          updates.push(await update({ model, ...learner }, mini, options, maxGradNorm));
        } finally {
          disposeSlices(mini, all);
        }
      }
    }
  } finally {
    tf.dispose(ref_noise_pred);
  }
  return updates;
}

/** One update of the weights. */
async function update(
  { model, ...learner }: Omit<PairLearner, 'reference'>,
  pairs: PairBatch,
  options: DpoGradientOptions,
  maxGradNorm: number,
): Promise<UpdateLine> {
  const { gradients, loss, metrics, dispose } = await pairGradients(model, pairs, options);
  try {
    throwIfAborted(options.signal);
    return { loss, metrics, norm: await applyGradients(learner, gradients, maxGradNorm) };
  } finally {
    dispose();
  }
}
