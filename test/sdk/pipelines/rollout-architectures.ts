import { join } from 'node:path';
import {
  packLatents,
  tf,
  type DiffusionOutput,
  type RolloutOptions,
  type RolloutRequest,
} from '@flowbook/sdk';

const models = join(__dirname, '../../golden/models');

/** What tests of both rollout pipelines differ in. */
export interface Architecture {
  name: string;
  model: string;
  /** Request and options that set the scale of classifier-free guidance. */
  askGuidance: (scale: number) => RolloutRequest['sampling_params'];
  optGuidance: (scale: number) => RolloutOptions;
  /** Tokens of the embeddings for a longest prompt of so many tokens. */
  tokens: (maxSequenceLength: number) => number;
  /** What is drawn for B pictures of 32 by 32 pixels, and the latents it becomes. */
  drawn: (B: number) => number[];
  latents: (noise: tf.Tensor) => tf.Tensor;
  /** Shape of the latents of one picture of h by w pixels. */
  shape: (h: number, w: number) => number[];
}

/** Both architectures on their tiny models. */
export const ARCHITECTURES: Architecture[] = [
  {
    name: 'QwenImagePipeline',
    model: join(models, 'tiny-qwen-image'),
    askGuidance: (true_cfg_scale) => ({ true_cfg_scale }),
    optGuidance: (trueCfgScale) => ({ trueCfgScale }),
    tokens: (length) => length,
    drawn: (B) => [B, 1, 4, 4, 4],
    latents: (noise) => packLatents(tf.reshape(noise, [noise.shape[0], 4, 4, 4])),
    shape: (h, w) => [(h / 16) * (w / 16), 16],
  },
  {
    name: 'StableDiffusion3Pipeline',
    model: join(models, 'tiny-sd3'),
    askGuidance: (guidance_scale) => ({ guidance_scale }),
    optGuidance: (guidanceScale) => ({ guidanceScale }),
    tokens: (length) => 77 + length,
    drawn: (B) => [B, 4, 4, 4],
    latents: (noise) => noise.clone(),
    shape: (h, w) => [4, h / 8, w / 8],
  },
];

/** Frees an output. */
export function release({ output, customOutput }: DiffusionOutput): void {
  tf.dispose(Object.values(customOutput).filter((one) => one instanceof tf.Tensor));
  if (output instanceof tf.Tensor) output.dispose();
}

/** Values of a tensor that is there. */
export function values(tensor: unknown): number[] {
  return Array.from((tensor as tf.Tensor).dataSync());
}

/** Largest distance between two tensors. */
export function distance(a: unknown, b: unknown): number {
  const other = values(b);
  return Math.max(...values(a).map((value, at) => Math.abs(value - other[at])));
}
