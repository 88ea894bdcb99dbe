import { setImmediate } from 'node:timers/promises';
import type { DiffusionModelConfigLike } from '../../config';
import { throwIfAborted } from '../../core/cell-signal';
import { computeLoss } from '../../losses';
import { LOSS_DEFAULTS } from '../../losses/loss-config';
import { predictNoised, type PairBatch, type TrainableModel } from '../../pipelines';
import { tf } from '../../tensorflow';
import { addGradients } from '../add-gradients';
import { modelLossGradients } from '../model-loss-gradients';
import { disposeSlices, sliceRows } from '../slice-rows';

/** What the gradient of Diffusion-DPO is computed with. */
export interface DpoModel {
  transformer: TrainableModel;
  modelConfig: DiffusionModelConfigLike;
}

/** Options of `dpoGradients`. */
export interface DpoGradientOptions {
  /** beta: how closely the model is held to the reference. Default 2000. */
  dpoBeta?: number;
  /** Rows that go through the model at once, an even number; gradients are summed up. Default: all. */
  microBatchSize?: number;
  /** Default: none. */
  signal?: AbortSignal | null;
}

/** The gradient of Diffusion-DPO's loss, with what a log shows beside it. */
export interface DpoGradients {
  /** By variable name. */
  gradients: Map<string, tf.Tensor>;
  loss: number;
  /** Means over the batch, by verl-omni's names: `actor/implicit_acc`, `rewards/margins`, ... */
  metrics: Record<string, number>;
  dispose(): void;
}

/** `dpoGradients` of pairs that `requirePairs` has let through. */
export async function pairGradients(
  { transformer, modelConfig }: DpoModel,
  batch: PairBatch,
  {
    dpoBeta = LOSS_DEFAULTS.dpo_beta,
    microBatchSize = Infinity,
    signal = null,
  }: DpoGradientOptions = {},
): Promise<DpoGradients> {
  const [B] = batch.noisy_latents.shape;
  const size = Math.min(microBatchSize, B);
  const variables = transformer.trainableVariables();
  const gradients = new Map<string, tf.Tensor>();
  const sums: Record<string, number> = {};
  const dispose = () => tf.dispose([...gradients.values()]);
  try {
    for (let start = 0; start < B; start += size) {
      throwIfAborted(signal);
      await setImmediate();
      const rows = Math.min(size, B - start);
      const pairs = sliceRows(batch, start, rows, B);
      try {
        const { ref_noise_pred, latents_clean, noise, sample_level_rewards } = pairs;
        const inputs = { ref_noise_pred, latents_clean, noise, sample_level_rewards };
        const part = await modelLossGradients(
          transformer,
          (module) => predictNoised(module, modelConfig, pairs),
          (v) => computeLoss('dpo', { ...inputs, noise_pred: v }, { dpo_beta: dpoBeta }),
          variables,
        );
        addGradients(gradients, part.gradients, rows / B);
        for (const [name, value] of Object.entries(part.readMetrics())) {
          sums[name] = (sums[name] ?? 0) + (value * rows) / B;
        }
        part.dispose();
      } finally {
        disposeSlices(pairs, batch);
      }
    }
  } catch (error) {
    dispose();
    throw error;
  }
  const { loss, ...metrics } = sums;
  return { gradients, loss, metrics, dispose };
}
