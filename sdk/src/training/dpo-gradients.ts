import { setImmediate } from 'node:timers/promises';
import type { DiffusionModelConfigLike } from '../config';
import { throwIfAborted } from '../core/cell-signal';
import { computeLoss } from '../losses';
import { predictNoised, type PairBatch, type TrainableModel } from '../pipelines';
import { tf } from '../tensorflow';
import { addGradients } from './add-gradients';
import { modelLossGradients } from './model-loss-gradients';
import { disposeSlices, sliceRows } from './slice-rows';

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

/**
 * The gradient of Diffusion-DPO's loss (https://arxiv.org/abs/2311.12908) over noised pairs, and its
 * metrics.
 *
 * @param batch Pairs with `ref_noise_pred`; see `noisePairs` and `referencePredictions`. Stays the caller's.
 * @throws When rows are not pairs, differ in noise or time within one, `ref_noise_pred` is missing, or the signal is aborted.
 * @example
 * const modelConfig = { path: 'test/golden/models/tiny-sd3', algorithm: 'dpo' };
 * const transformer = SD3Transformer2DModel.fromPretrained(modelConfig.path);
 * transformer.addLora({ rank: 4, key: RandomKey.fromSeed(0) });
 * const latents_clean = tf.randomNormal([2, 4, 8, 8]);
 * const batch: PairBatch = {
 *   latents_clean,
 *   ...noisePairs(latents_clean, StableDiffusion3DPO.buildScheduler(modelConfig)),
 *   prompt_embeds: tf.randomNormal([2, 6, 48]),
 *   prompt_embeds_mask: tf.ones([2, 6]),
 *   pooled_prompt_embeds: tf.randomNormal([2, 40]),
 * };
 * batch.ref_noise_pred = referencePredictions(transformer, modelConfig, batch);
 * const { gradients, loss } = await dpoGradients({ transformer, modelConfig }, batch); // loss is ln 2
 */
export async function dpoGradients(
  { transformer, modelConfig }: DpoModel,
  batch: PairBatch,
  { dpoBeta = 2000, microBatchSize = Infinity, signal = null }: DpoGradientOptions = {},
): Promise<DpoGradients> {
  const [B] = batch.noisy_latents.shape;
  const size = Math.min(microBatchSize, B);
  if (B % 2 !== 0 || size % 2 !== 0 || size < 2) {
    throw new Error(
      `Cannot learn from pairs as rows and micro-batches must hold whole pairs: there are ${B} rows in micro-batches of ${size}`,
    );
  }
  refuseUnlikeRows(batch);
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

/** Rows of a pair that differ in noise or time say nothing of which picture is better. Close is enough, as upstream. */
function refuseUnlikeRows(batch: PairBatch): void {
  for (const name of ['noise', 'timesteps'] as const) {
    const [B] = batch[name].shape;
    const alike = tf.tidy(() => {
      const [chosen, rejected] = tf.unstack(tf.reshape(batch[name].toFloat(), [B / 2, 2, -1]), 1);
      const gap = tf.abs(tf.sub(chosen, rejected));
      return tf.all(tf.lessEqual(gap, tf.add(tf.mul(tf.abs(rejected), 1e-5), 1e-8)), 1).dataSync();
    });
    const pair = alike.indexOf(0);
    if (pair >= 0) {
      throw new Error(
        `Cannot learn from pairs as the two rows of a pair must have the same ${name}: rows ${2 * pair} and ${2 * pair + 1} differ`,
      );
    }
  }
}
