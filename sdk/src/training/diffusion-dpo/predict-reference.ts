import { setImmediate } from 'node:timers/promises';
import { throwIfAborted } from '../../core/cell-signal';
import { offMainThread, predictNoised, type PairBatch, type PolicyState } from '../../pipelines';
import { tf } from '../../tensorflow';
import type { DpoModel } from './pair-gradients';
import { disposeSlices, sliceRows } from '../slice-rows';

/** How the reference is asked. */
export interface PredictReferenceOptions {
  /** Rows that go through the model at once. */
  microBatchSize: number;
  signal: AbortSignal | null;
}

/**
 * What the reference predicts at noised pairs: `referencePredictions` in micro-batches, long ones on another thread.
 *
 * @returns Of the latents' shape; the caller owns it.
 * @throws When the signal is aborted; the policy is put back, and nothing is leaked.
 */
export async function predictReference(
  { transformer, modelConfig }: DpoModel,
  reference: PolicyState,
  pairs: PairBatch,
  { microBatchSize, signal }: PredictReferenceOptions,
): Promise<tf.Tensor> {
  const [B] = pairs.noisy_latents.shape;
  const parts: tf.Tensor[] = [];
  try {
    await reference.use(async () => {
      for (let start = 0; start < B; start += microBatchSize) {
        throwIfAborted(signal);
        await setImmediate();
        const micro = sliceRows(pairs, start, Math.min(microBatchSize, B - start), B);
        try {
          parts.push(
            await offMainThread(transformer, (asked) => predictNoised(asked, modelConfig, micro)),
          );
        } finally {
          disposeSlices(micro, pairs);
        }
      }
    });
    return tf.concat(parts);
  } finally {
    tf.dispose(parts);
  }
}
