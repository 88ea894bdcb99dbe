/** Configuration of AutoencoderKLQwenImage, under diffusers' keys (vae/config.json). */
export interface AutoencoderConfig {
  /** Channels of the first level. */
  base_dim: number;
  /** Channels of a latent. */
  z_dim: number;
  /** Channels of each level, as multiples of `base_dim`; each further level halves the picture. */
  dim_mult: number[];
  /** Residual blocks a level of the encoder; the decoder has one more. */
  num_res_blocks: number;
  /** Scales (1, 1/2, ...) at which the encoder attends after each residual block. */
  attn_scales: number[];
  /** Channels of a picture. */
  input_channels: number;
  /** Mean of each latent channel over the training set. */
  latents_mean: number[];
  /** Standard deviation of each latent channel over the training set. */
  latents_std: number[];
}

/** Defaults of diffusers 0.42.1, which are Qwen-Image's published values. */
const DEFAULTS: AutoencoderConfig = {
  base_dim: 96,
  z_dim: 16,
  dim_mult: [1, 2, 4, 4],
  num_res_blocks: 2,
  attn_scales: [],
  input_channels: 3,
  latents_mean: [
    -0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508, 0.4134, -0.0715, 0.5517,
    -0.3632, -0.1922, -0.9497, 0.2503, -0.2921,
  ],
  latents_std: [
    2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743, 3.2687, 2.1526, 2.8652, 1.5579,
    1.6382, 1.1253, 2.8251, 1.916,
  ],
};

/**
 * Completes a vae/config.json with diffusers' defaults. Keys that do not bear on one frame
 * (`temperal_downsample`, `dropout`) are kept and not read.
 *
 * @throws When the latent statistics do not have one value a channel.
 */
export function autoencoderConfig(config: Partial<AutoencoderConfig>): AutoencoderConfig {
  const complete = { ...DEFAULTS, ...config };
  for (const key of ['latents_mean', 'latents_std'] as const) {
    if (complete[key].length !== complete.z_dim) {
      throw new Error(
        `Cannot make an AutoencoderKLQwenImage as ${key} must have z_dim (${complete.z_dim}) values: current value has ${complete[key].length}`,
      );
    }
  }
  return complete;
}
