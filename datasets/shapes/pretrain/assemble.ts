import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  AutoencoderKL,
  AutoencoderKLQwenImage,
  RandomKey,
  newTransformer,
  readSafetensors,
  tf,
  writeSafetensors,
  type AutoencoderTask,
} from '@flowbook/sdk';
import type { PretrainedModel } from './pretrained-model';

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

/** What a model directory is made of. */
export interface PipelineParts extends Pick<PretrainedModel, 'encoderScale' | 'clipTokens'> {
  vae: string;
  transformer: Record<string, unknown>;
  key: RandomKey;
}

/** Makes a model directory: everything that is not trained from `source`, a new transformer, and the autoencoder. */
export function assemblePipeline(source: string, parts: PipelineParts, folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const trained = ['vae', 'transformer'].map((name) => join(source, name));
  cpSync(source, folder, { recursive: true, filter: (path) => !trained.includes(path) });
  if (parts.encoderScale !== 1) scaleEncoders(folder, parts.encoderScale);
  if (parts.clipTokens !== null) padPromptsTo(folder, parts.clipTokens);
  cpSync(parts.vae, join(folder, 'vae'), { recursive: true });
  const transformer = newTransformer(parts.transformer, parts.key);
  transformer.savePretrained(join(folder, 'transformer'));
  transformer.dispose();
}

/** Where a layer of CLIP's or T5's encoder adds to its input. */
const ADDED = /\.(out_proj|fc2|SelfAttention\.o|DenseReluDense\.wo)\.(weight|bias)$/;

/**
 * Random encoders mix the words of a prompt until each token is a fingerprint of the whole, by which a transformer learns
 * prompts by heart. Scaled down, a token stays mostly its own word and place.
 */
function scaleEncoders(folder: string, scale: number): void {
  for (const encoder of readdirSync(folder).filter((name) => name.startsWith('text_encoder'))) {
    const file = join(folder, encoder, 'model.safetensors');
    const weights = readSafetensors(file);
    const scaled = [...weights].map(([name, weight]) => {
      return [name, tf.mul(weight, ADDED.test(name) ? scale : 1)] as const;
    });
    writeSafetensors(file, new Map(scaled));
    tf.dispose([...weights.values(), ...scaled.map(([, weight]) => weight)]);
  }
}

/** CLIP's tokenizers pad prompts to what their configuration says. */
function padPromptsTo(folder: string, tokens: number): void {
  for (const tokenizer of ['tokenizer', 'tokenizer_2']) {
    const file = join(folder, tokenizer, 'tokenizer_config.json');
    const config = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    writeFileSync(file, `${JSON.stringify({ ...config, model_max_length: tokens }, null, 2)}\n`);
  }
}
