import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  AutoencoderKL,
  AutoencoderKLQwenImage,
  RandomKey,
  newTransformer,
  tf,
  type AutoencoderTask,
} from '@flowbook/sdk';

/** Means and standard deviations of latents (N, h, w, C), channel by channel. */
export interface LatentStatistics {
  mean: number[];
  std: number[];
}

export function latentStatistics(latents: tf.Tensor4D): LatentStatistics {
  const { mean, variance } = tf.moments(latents, [0, 1, 2]);
  const std = tf.sqrt(variance);
  const found = { mean: [...mean.dataSync()], std: [...std.dataSync()] };
  tf.dispose([mean, variance, std]);
  return found;
}

/** Writes a trained autoencoder, with its latents' statistics in its configuration. */
export function saveAutoencoder(
  task: AutoencoderTask,
  config: Record<string, unknown>,
  { mean, std }: LatentStatistics,
  folder: string,
): void {
  const { _class_name: className, ...settings } = config;
  const weights = task.stateDict();
  const average = (values: number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
  const autoencoder =
    className === 'AutoencoderKLQwenImage'
      ? new AutoencoderKLQwenImage({ ...settings, latents_mean: mean, latents_std: std }, weights)
      : new AutoencoderKL(
          { ...settings, shift_factor: average(mean), scaling_factor: 1 / average(std) },
          weights,
        );
  autoencoder.savePretrained(folder);
  autoencoder.dispose();
  tf.dispose([...weights.values()]);
}

/** Makes a model directory: everything that is not trained from `source`, a new transformer, and the autoencoder. */
export function assemblePipeline(
  source: string,
  parts: { vae: string; transformer: Record<string, unknown>; key: RandomKey },
  folder: string,
): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const trained = ['vae', 'transformer'].map((name) => join(source, name));
  cpSync(source, folder, { recursive: true, filter: (path) => !trained.includes(path) });
  cpSync(parts.vae, join(folder, 'vae'), { recursive: true });
  const transformer = newTransformer(parts.transformer, parts.key);
  transformer.savePretrained(join(folder, 'transformer'));
  transformer.dispose();
}
