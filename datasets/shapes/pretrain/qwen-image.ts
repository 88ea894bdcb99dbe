import { packLatents, tf, type QwenImagePipelineWithLogProb } from '@flowbook/sdk';
import type { PretrainedModel } from './pretrained-model';

/** Tiny Qwen-Image: 8 x 8 latents of 4 channels, 16 image tokens. */
export const qwenImage: PretrainedModel = {
  source: 'datasets/tiny-qwen-image',
  pipeline: {
    algorithm: 'flow_grpo',
    pipeline: { height: 64, width: 64, num_inference_steps: 10, true_cfg_scale: 1 },
  },
  encode: (pipeline, pictures) => {
    const { vae } = pipeline as unknown as QwenImagePipelineWithLogProb;
    const frames = tf.expandDims(tf.transpose(pictures, [0, 3, 1, 2]), 2);
    return packLatents(vae.normalizeLatents(vae.encode(frames).mean));
  },
  autoencoder: {
    config: {
      _class_name: 'AutoencoderKLQwenImage',
      base_dim: 8,
      z_dim: 4,
      dim_mult: [1, 2, 4, 4],
      num_res_blocks: 1,
      attn_scales: [],
      temperal_downsample: [false, true, true],
      dropout: 0,
      input_channels: 3,
      latents_mean: [0, 0, 0, 0],
      latents_std: [1, 1, 1, 1],
    },
    batchSize: 16,
    latentNoise: 0.15,
    pictures: 8192,
    judged: 480,
    options: {
      steps: 5000,
      learningRate: 2e-3,
      warmupSteps: 50,
      levelShare: 0.5,
      finalShare: 0.02,
      betas: [0.9, 0.99],
      weightDecay: 0,
      maxGradNorm: 1,
      average: 0.998,
      seed: 1,
      everySteps: 250,
    },
  },
  transformer: {
    config: {
      _class_name: 'QwenImageTransformer2DModel',
      patch_size: 2,
      in_channels: 16,
      out_channels: 4,
      num_layers: 4,
      attention_head_dim: 24,
      num_attention_heads: 4,
      joint_attention_dim: 64,
      guidance_embeds: false,
      axes_dims_rope: [8, 8, 8],
    },
    batchSize: 64,
    pictures: 24_000,
    judgedOfAKind: 40,
    noiseShift: 3,
    kindWeights: { position: 3, counting: 1.5, color_attr: 1.5 },
    options: {
      steps: 9000,
      learningRate: 1.5e-3,
      warmupSteps: 100,
      levelShare: 0.5,
      finalShare: 0.05,
      betas: [0.9, 0.99],
      weightDecay: 0.01,
      maxGradNorm: 1,
      average: 0.998,
      seed: 2,
      everySteps: 500,
    },
  },
};
