import type { PretrainedModel } from './pretrained-model';
import { qwenImage } from './qwen-image';

/**
 * Tiny Stable Diffusion 3: 8 x 8 latents of 4 channels, 16 image tokens. The longest prompt of the shapes world has 27 tokens
 * for CLIP and 24 for T5: padding to CLIP's 77 would make a step take half as long again, and less than 24 would cut it off.
 */
export const stableDiffusion3: PretrainedModel = {
  source: 'test/golden/models/tiny-sd3',
  encoderScale: 0.1,
  clipTokens: 28,
  pipeline: {
    algorithm: 'flow_grpo',
    pipeline: {
      height: 64,
      width: 64,
      num_inference_steps: 10,
      guidance_scale: 1,
      max_sequence_length: 24,
    },
  },
  autoencoder: {
    ...qwenImage.autoencoder,
    config: {
      _class_name: 'AutoencoderKL',
      in_channels: 3,
      out_channels: 3,
      down_block_types: Array<string>(4).fill('DownEncoderBlock2D'),
      up_block_types: Array<string>(4).fill('UpDecoderBlock2D'),
      block_out_channels: [8, 16, 32, 32],
      layers_per_block: 1,
      latent_channels: 4,
      norm_num_groups: 4,
      sample_size: 64,
      scaling_factor: 1,
      shift_factor: 0,
      use_quant_conv: false,
      use_post_quant_conv: false,
    },
    options: { ...qwenImage.autoencoder.options, seed: 3 },
  },
  transformer: {
    ...qwenImage.transformer,
    kindWeights: { position: 2, counting: 1.5, color_attr: 2 },
    config: {
      _class_name: 'SD3Transformer2DModel',
      sample_size: 8,
      patch_size: 2,
      in_channels: 4,
      out_channels: 4,
      num_layers: 4,
      attention_head_dim: 24,
      num_attention_heads: 4,
      joint_attention_dim: 48,
      caption_projection_dim: 96,
      pooled_projection_dim: 40,
      pos_embed_max_size: 8,
      qk_norm: 'rms_norm',
      dual_attention_layers: [],
    },
    options: { ...qwenImage.transformer.options, seed: 4 },
  },
};
