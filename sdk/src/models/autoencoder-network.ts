import type { Layer } from './autoencoder/layers';
import type { VaeWeights } from './autoencoder/vae-weights';
import { autoencoderConfig, CLASS_NAME as QWEN_IMAGE } from './qwen-image/autoencoder-config';
import * as qwenDecoder from './qwen-image/vae-decoder';
import * as qwenEncoder from './qwen-image/vae-encoder';
import { timeConvolutionShapes, vaeShapes as qwenShapes } from './qwen-image/vae-parameters';
import { parseAutoencoderConfig } from './stable-diffusion-3/autoencoder-config';
import * as sd3 from './stable-diffusion-3/vae-layers';
import { vaeShapes as sd3Shapes } from './stable-diffusion-3/vae-parameters';

/** What a kind of autoencoder consists of, apart from its weights. */
export interface AutoencoderNetwork {
  /** diffusers' name of the class. */
  className: string;
  /** Every tensor that the layers read: name to shape. */
  shapes: ReadonlyMap<string, readonly number[]>;
  /** Tensors of the checkpoint that single pictures never meet; their values do not matter. */
  unread: ReadonlyMap<string, readonly number[]>;
  latentChannels: number;
  /** Pixels a side of a picture for each latent. */
  spatialCompressionRatio: number;
  /** Pictures (B, H, W, 3) -> mean and logvar (B, H/8, W/8, 2 latentChannels). */
  encoder(weights: VaeWeights): Layer[];
  /** Latents (B, h, w, latentChannels) -> pictures (B, 8h, 8w, 3). */
  decoder(weights: VaeWeights): Layer[];
}

/**
 * The network of an autoencoder by its configuration (vae/config.json with `_class_name`): what `AutoencoderKLQwenImage`
 * and `AutoencoderKL` run, for code that holds the weights itself, such as pre-training.
 *
 * @throws When the class is neither, or a setting cannot be.
 *
 * @example
 * import { readFileSync } from 'node:fs';
 * const network = autoencoderNetwork(JSON.parse(readFileSync('datasets/tiny-qwen-image/vae/config.json', 'utf8')));
 * network.spatialCompressionRatio; // 8
 */
export function autoencoderNetwork(config: Record<string, unknown>): AutoencoderNetwork {
  const { _class_name: className } = config;
  if (className === QWEN_IMAGE) {
    const settings = autoencoderConfig(config);
    return {
      className,
      shapes: qwenShapes(settings),
      unread: timeConvolutionShapes(settings),
      latentChannels: settings.z_dim,
      spatialCompressionRatio: 2 ** (settings.dim_mult.length - 1),
      encoder: (weights) => qwenEncoder.encoderLayers(settings, weights),
      decoder: (weights) => qwenDecoder.decoderLayers(settings, weights),
    };
  }
  if (className === 'AutoencoderKL') {
    const settings = parseAutoencoderConfig(config);
    return {
      className,
      shapes: sd3Shapes(settings),
      unread: new Map(),
      latentChannels: settings.latent_channels,
      spatialCompressionRatio: 2 ** (settings.block_out_channels.length - 1),
      encoder: (weights) => sd3.encoderLayers(settings, weights),
      decoder: (weights) => sd3.decoderLayers(settings, weights),
    };
  }
  throw new Error(
    `Cannot make an autoencoder as its _class_name must be ${QWEN_IMAGE} or AutoencoderKL: current value is ${String(className)}`,
  );
}
