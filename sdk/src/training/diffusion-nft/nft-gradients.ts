import { setImmediate } from 'node:timers/promises';
import type { DiffusionModelConfigLike } from '../../config';
import { throwIfAborted } from '../../core/cell-signal';
import {
  checkOptions,
  COUNT_OR_INFINITY,
  number,
  orNull,
  required,
  SIGNAL,
  type Rules,
} from '../../core/option-rules';
import type { RandomKey } from '../../core/random-key';
import { computeLoss } from '../../losses';
import {
  offMainThread,
  predictNoised,
  type NoisedBatch,
  type PolicyState,
  type TrainableModel,
} from '../../pipelines';
import { randomNormal, tf, tidyResult } from '../../tensorflow';
import { addGradients } from '../add-gradients';
import { KEY } from '../material-rules';
import { modelLossGradients } from '../model-loss-gradients';
import { disposeSlices, sliceRows } from '../slice-rows';

/** Rated pictures as DiffusionNFT learns from them, under verl-omni's names. */
export interface NftBatch extends Omit<NoisedBatch, 'noisy_latents' | 'timesteps'> {
  /** (B, ...) x0: the latents that a rollout ended with. */
  latents_clean: tf.Tensor;
  /** (B, K) from 0 to 1000; see `selectTimesteps`. */
  train_timesteps: tf.Tensor;
  /** (B) from 0 to 1; see `rewardProbability`. */
  reward_prob: tf.Tensor;
  /** (B, K, ...), to repeat a run. Default: drawn from the key. */
  forward_noise?: tf.Tensor | null;
}

/** What the gradient of DiffusionNFT is computed with. */
export interface NftModel {
  transformer: TrainableModel;
  modelConfig: DiffusionModelConfigLike;
  /** The policy that rolled out. */
  old: PolicyState;
  /** What the policy is held to by `refKlCoef`. Its distance is reported wherever it is there. Default: none. */
  reference?: PolicyState | null;
}

/** Options of `nftGradients`. */
export interface NftGradientOptions {
  /** What the noise follows from: each picture's noise at each time is its own, whatever the micro-batches. */
  key: RandomKey;
  /** beta: how far the implicit good and bad policies lie from the old one. Default 0.5. */
  mixBeta?: number;
  /** M, the same as for `rewardProbability`. Default 5. */
  advClipMax?: number;
  /** Weight of the distance to the reference. Default 0. */
  refKlCoef?: number;
  /** Least value of the adaptive weight. Default 1e-5. */
  adaptiveWeightMin?: number;
  /** Pictures that go through the model at once; gradients are summed up. Default: all. */
  microBatchSize?: number;
  /** Default: none. */
  signal?: AbortSignal | null;
}

const WEIGHT = number({ least: 0 });

/** What the options of DiffusionNFT's gradient must be. */
export const NFT_GRADIENT_RULES: Rules<NftGradientOptions> = {
  key: required(KEY),
  mixBeta: number({ above: 0 }),
  advClipMax: number({ above: 0 }),
  refKlCoef: WEIGHT,
  adaptiveWeightMin: WEIGHT,
  microBatchSize: COUNT_OR_INFINITY,
  signal: orNull(SIGNAL),
};

/** The gradient of DiffusionNFT's loss, with what a log shows beside it. */
export interface NftGradients {
  /** By variable name. */
  gradients: Map<string, tf.Tensor>;
  loss: number;
  /** Means over pictures and times, by verl-omni's names: `actor/positive_loss`, `actor/old_deviate`, ... */
  metrics: Record<string, number>;
  /** Frees the gradients. */
  dispose(): void;
}

/**
 * The gradient of DiffusionNFT's loss (https://arxiv.org/abs/2509.16117) and its metrics: the mean over pictures and over
 * their times of training.
 *
 * @param batch Stays the caller's.
 * @throws When the reference is missing that `refKlCoef` asks for, or the signal is aborted; nothing is leaked then.
 * @example
 * const modelConfig = { path: 'datasets/tiny-qwen-image', algorithm: 'diffusion_nft', height: 64, width: 64 };
 * const transformer = QwenImageTransformer2DModel.fromPretrained(modelConfig.path);
 * transformer.addLora({ rank: 4, key: RandomKey.fromSeed(0) });
 * const batch = {
 *   latents_clean: tf.randomNormal([2, 16, 16]),
 *   train_timesteps: tf.tensor2d([[900, 300], [600, 300]]),
 *   reward_prob: tf.tensor1d([1, 0]),
 *   prompt_embeds: tf.randomNormal([2, 6, 64]),
 *   prompt_embeds_mask: tf.ones([2, 6]),
 * };
 * const old = PolicyState.copyOf(transformer, 'old');
 * const { gradients } = await nftGradients({ transformer, modelConfig, old }, batch, { key: RandomKey.fromSeed(1) });
 */
export async function nftGradients(
  model: NftModel,
  batch: NftBatch,
  options: NftGradientOptions,
): Promise<NftGradients> {
  checkOptions('compute the gradient of DiffusionNFT', options, NFT_GRADIENT_RULES);
  const { refKlCoef = 0, microBatchSize = Infinity, signal = null } = options;
  if (refKlCoef !== 0 && !model.reference) {
    throw new Error(
      `Cannot hold the policy to a reference as there must be one: current refKlCoef is ${refKlCoef}`,
    );
  }
  const [B, K] = batch.train_timesteps.shape as [number, number];
  const config = {
    mix_beta: options.mixBeta,
    adv_clip_max: options.advClipMax,
    adaptive_weight_min: options.adaptiveWeightMin,
    ref_kl_coef: refKlCoef,
  };
  const variables = model.transformer.trainableVariables();
  const gradients = new Map<string, tf.Tensor>();
  const sums: Record<string, number> = {};
  const dispose = () => tf.dispose([...gradients.values()]);
  try {
    for (let start = 0; start < B; start += microBatchSize) {
      const rows = Math.min(microBatchSize, B - start);
      for (let k = 0; k < K; k++) {
        throwIfAborted(signal);
        await setImmediate();
        const { noised, fixed } = tidyResult(() =>
          prepare(sliceRows(batch, start, rows, B), k, start, options),
        );
        const predict = () =>
          offMainThread(model.transformer, (module) =>
            predictNoised(module, model.modelConfig, noised),
          );
        try {
          fixed.old_prediction = await model.old.use(predict);
          if (model.reference) fixed.ref_forward_prediction = await model.reference.use(predict);
          const part = await modelLossGradients(
            model.transformer,
            (module) => predictNoised(module, model.modelConfig, noised),
            (v) => computeLoss('diffusion_nft', { ...fixed, forward_prediction: v }, config),
            variables,
          );
          addGradients(gradients, part.gradients, rows / B / K);
          for (const [name, value] of Object.entries(part.readMetrics())) {
            sums[name] = (sums[name] ?? 0) + (value * rows) / B / K;
          }
          part.dispose();
        } finally {
          disposeSlices(noised, batch);
          tf.dispose(fixed);
        }
      }
    }
  } catch (error) {
    dispose();
    throw error;
  }
  const { loss, ...metrics } = sums;
  return { gradients, loss, metrics, dispose };
}

/** Some rows at their k-th time, noised, with all that the loss takes besides predictions. */
function prepare(
  micro: NftBatch,
  k: number,
  start: number,
  { key }: NftGradientOptions,
): { noised: NoisedBatch; fixed: Record<string, tf.Tensor> } {
  const { latents_clean: x0, train_timesteps, forward_noise, reward_prob, ...rest } = micro;
  const [rows, ...shape] = x0.shape;
  const timesteps = tf.gather(train_timesteps, k, 1);
  const tau = tf.reshape(tf.div(timesteps, 1000), [rows, ...shape.map(() => 1)]);
  const noise = forward_noise
    ? tf.gather(forward_noise, k, 1)
    : tf.stack(
        Array.from({ length: rows }, (_, row) => randomNormal(key.fold(start + row, k), shape)),
      );
  const xt = tf.add(tf.mul(tf.sub(1, tau), x0), tf.mul(tau, noise));
  const noised: NoisedBatch = { ...rest, noisy_latents: xt, timesteps } as NoisedBatch;
  const fixed: Record<string, tf.Tensor> = {
    x0: x0.clone(),
    xt: xt.clone(),
    t_expanded: tau,
    reward_prob: reward_prob.clone(),
  };
  return { noised, fixed };
}
