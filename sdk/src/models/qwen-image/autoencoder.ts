import { tf } from '../../tensorflow';
import { distribution, type LatentDistribution } from '../autoencoder/latent-distribution';
import type { Layer } from '../autoencoder/layers';
import { LayerStack } from '../autoencoder/layer-stack';
import { VaeWeights } from '../autoencoder/vae-weights';
import { checkWeights, type ExpectedWeights } from '../check-weights';
import { FrozenComponent, type ComponentOrigin } from '../component-origin';
import { loadComponent, type FromPretrainedOptions } from '../load-component';
import { autoencoderConfig, CLASS_NAME, type AutoencoderConfig } from './autoencoder-config';
import { decoderLayers } from './vae-decoder';
import { encoderLayers } from './vae-encoder';
import { TIME_CONVOLUTIONS, vaeShapes } from './vae-parameters';

/**
 * Qwen-Image's variational autoencoder, for single frames. Pictures are (B, 3, 1, H, W) in [-1, 1],
 * latents (B, z_dim, 1, H/8, W/8).
 *
 * Rule: diffusers 0.42.1 `AutoencoderKLQwenImage`, float32, without tiling.
 *
 * @example
 * const vae = AutoencoderKLQwenImage.fromPretrained('datasets/tiny-qwen-image');
 * const pictures = vae.decode(vae.denormalizeLatents(tf.randomNormal([2, 4, 1, 8, 8])));
 * pictures.shape; // [2, 3, 1, 64, 64]
 * vae.dispose();
 */
export class AutoencoderKLQwenImage extends FrozenComponent {
  /** The configuration, completed with diffusers' defaults. */
  readonly config: AutoencoderConfig;
  /** Pixels a side of a picture for each latent. */
  readonly spatialCompressionRatio: number;
  readonly #weights: VaeWeights;
  readonly #decoder: LayerStack;
  readonly #encoder: LayerStack;

  /**
   * @param config vae/config.json.
   * @param stateDict Checkpoint tensors by name; they are copied and stay the caller's.
   * @param origin Where the model came from, when that was a folder.
   * @throws When a setting cannot be, or a tensor is missing, unknown or of another shape.
   */
  constructor(
    config: Partial<AutoencoderConfig>,
    stateDict: ReadonlyMap<string, tf.Tensor>,
    origin?: ComponentOrigin,
  ) {
    super(['diffusers', CLASS_NAME]);
    this.config = autoencoderConfig(config);
    this.spatialCompressionRatio = 2 ** (this.config.dim_mult.length - 1);
    checkWeights(`build ${CLASS_NAME}`, expectedWeights(config), stateDict);
    this.#weights = new VaeWeights(CLASS_NAME, stateDict);
    const named = (part: string, layers: Layer[]) =>
      new LayerStack(`${CLASS_NAME}, ${part}`, layers);
    try {
      this.#decoder = named('decoder', decoderLayers(this.config, this.#weights));
      this.#encoder = named('encoder', encoderLayers(this.config, this.#weights));
    } catch (error) {
      this.#weights.dispose();
      throw error;
    }
    this.keepOrigin(origin, config as Record<string, unknown>, stateDict);
  }

  /**
   * Loads the autoencoder of a pipeline directory, or a directory of its own.
   *
   * @throws When a file or a tensor is missing, unknown or of another shape; the message names both.
   */
  static fromPretrained(path: string, options?: FromPretrainedOptions): AutoencoderKLQwenImage {
    return loadComponent(
      path,
      'vae',
      {
        className: CLASS_NAME,
        dtypes: ['float32'],
        expected: expectedWeights,
        build: (...parts) => new AutoencoderKLQwenImage(...parts),
      },
      options,
    );
  }

  /**
   * Latents (B, z_dim, 1, h, w) -> pictures (B, 3, 1, 8h, 8w), clamped to [-1, 1].
   *
   * The latents are the network's own: see `denormalizeLatents` for those of the diffusion.
   */
  decode(z: tf.Tensor): tf.Tensor5D {
    const { z_dim } = this.config;
    checkShape('decode latents', z, z_dim, 1);
    const scale = this.spatialCompressionRatio;
    return tf.tidy(() => {
      const values = z.shape[3]! * z.shape[4]! * scale ** 2 * this.config.base_dim;
      const pictures = this.#decoder.run(withoutFrames(z), values);
      return withFrame(tf.clipByValue(pictures, -1, 1));
    });
  }

  /**
   * Pictures (B, 3, 1, H, W) in [-1, 1] -> the distribution of their latents (B, z_dim, 1, H/8, W/8).
   *
   * @throws When a side of the pictures is no multiple of 8.
   */
  encode(pictures: tf.Tensor): LatentDistribution<tf.Tensor5D> {
    const { input_channels } = this.config;
    checkShape('encode pictures', pictures, input_channels, this.spatialCompressionRatio);
    const [mean, logvar] = tf.tidy(() => {
      const values = pictures.shape[3]! * pictures.shape[4]! * this.config.base_dim;
      const moments = this.#encoder.run(withoutFrames(pictures), values);
      return distribution(moments).map(withFrame);
    });
    return { mean, logvar };
  }

  /** Latents of the diffusion -> latents of the network: z * std + mean, channel by channel. */
  denormalizeLatents<Latents extends tf.Tensor>(z: Latents): Latents {
    checkShape('denormalize latents', z, this.config.z_dim, 1);
    return tf.tidy(() => tf.add(tf.mul(z, this.#statistic('std')), this.#statistic('mean')));
  }

  /** Latents of the network -> latents of the diffusion: (z - mean) / std, channel by channel. */
  normalizeLatents<Latents extends tf.Tensor>(z: Latents): Latents {
    checkShape('normalize latents', z, this.config.z_dim, 1);
    return tf.tidy(() => tf.div(tf.sub(z, this.#statistic('mean')), this.#statistic('std')));
  }

  /** Frees the weights. The autoencoder cannot be used afterwards. */
  override dispose(): void {
    super.dispose();
    this.#decoder.dispose();
    this.#encoder.dispose();
    this.#weights.dispose();
  }

  #statistic(name: 'mean' | 'std'): tf.Tensor5D {
    return tf.tensor5d(this.config[`latents_${name}`], [1, this.config.z_dim, 1, 1, 1]);
  }
}

/** The tensors that the model reads, of a checkpoint with these settings and names. */
export function expectedWeights(config: Partial<AutoencoderConfig>): ExpectedWeights {
  return { shapes: vaeShapes(autoencoderConfig(config)), unread: TIME_CONVOLUTIONS };
}

/** (B, C, 1, H, W) -> (B, C, H, W) */
function withoutFrames(x: tf.Tensor): tf.Tensor4D {
  return tf.squeeze(x, [2]);
}

/** (B, C, H, W) -> (B, C, 1, H, W) */
function withFrame(x: tf.Tensor4D): tf.Tensor5D {
  return tf.expandDims(x, 2);
}

function checkShape(action: string, x: tf.Tensor, channels: number, multiple: number): void {
  const [, C, frames, H, W] = x.shape;
  const fits = x.rank === 5 && C === channels && frames === 1;
  if (!fits || H % multiple !== 0 || W % multiple !== 0) {
    const sides = multiple === 1 ? 'h, w)' : `H, W) with sides that ${multiple} divides`;
    throw new Error(
      `Cannot ${action} as their shape must be (B, ${channels}, 1, ${sides}: current value is (${x.shape.join(', ')})`,
    );
  }
}
