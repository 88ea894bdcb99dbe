import { tf } from '../../tensorflow';
import { distribution, type LatentDistribution } from '../autoencoder/latent-distribution';
import type { Layer } from '../autoencoder/layers';
import { LayerStack } from '../autoencoder/layer-stack';
import { VaeWeights } from '../autoencoder/vae-weights';
import { checkWeights } from '../check-weights';
import { FrozenComponent, type ComponentOrigin } from '../component-origin';
import { loadComponent, type FromPretrainedOptions } from '../load-component';
import { parseAutoencoderConfig, type AutoencoderKLConfig } from './autoencoder-config';
import { decoderLayers, encoderLayers } from './vae-layers';
import { vaeShapes } from './vae-parameters';

const CLASS_NAME = 'AutoencoderKL';

/**
 * The variational autoencoder of Stable Diffusion 3. Pictures are (B, 3, H, W) in [-1, 1], latents
 * (B, latent_channels, H/8, W/8).
 *
 * Rule: diffusers 0.42.1 `AutoencoderKL`, float32, without tiling.
 *
 * @example
 * const vae = AutoencoderKL.fromPretrained('test/golden/models/tiny-sd3');
 * const pictures = vae.decode(vae.denormalizeLatents(tf.randomNormal([2, 4, 8, 8])));
 * pictures.shape; // [2, 3, 64, 64]
 * vae.dispose();
 */
export class AutoencoderKL extends FrozenComponent {
  /** The configuration, completed with diffusers' defaults. */
  readonly config: AutoencoderKLConfig;
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
    config: Record<string, unknown>,
    stateDict: ReadonlyMap<string, tf.Tensor>,
    origin?: ComponentOrigin,
  ) {
    super(['diffusers', CLASS_NAME]);
    this.config = parseAutoencoderConfig(config);
    this.spatialCompressionRatio = 2 ** (this.config.block_out_channels.length - 1);
    checkWeights(`build ${CLASS_NAME}`, { shapes: vaeShapes(this.config) }, stateDict);
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
    this.keepOrigin(origin, config, stateDict);
  }

  /**
   * Loads the autoencoder of a pipeline directory, or a directory of its own.
   *
   * @throws When a file or a tensor is missing, unknown or of another shape; the message names both.
   */
  static fromPretrained(path: string, options?: FromPretrainedOptions): AutoencoderKL {
    return loadComponent(
      path,
      'vae',
      {
        className: CLASS_NAME,
        dtypes: ['float32'],
        expected: (config) => ({ shapes: vaeShapes(parseAutoencoderConfig(config)) }),
        build: (...parts) => new AutoencoderKL(...parts),
      },
      options,
    );
  }

  /**
   * Latents (B, latent_channels, h, w) -> pictures (B, 3, 8h, 8w), about -1 to 1 and not clamped.
   *
   * The latents are the network's own: see `denormalizeLatents` for those of the diffusion.
   */
  decode(z: tf.Tensor): tf.Tensor4D {
    checkShape('decode latents', z, this.config.latent_channels, 1);
    const [, , h, w] = (z as tf.Tensor4D).shape;
    return this.#run(this.#decoder, z, h * w * this.spatialCompressionRatio ** 2);
  }

  /**
   * Pictures (B, 3, H, W) in [-1, 1] -> the distribution of their latents (B, latent_channels, H/8, W/8).
   *
   * @throws When a side of the pictures is no multiple of 8.
   */
  encode(pictures: tf.Tensor): LatentDistribution<tf.Tensor4D> {
    const { in_channels } = this.config;
    checkShape('encode pictures', pictures, in_channels, this.spatialCompressionRatio);
    const [, , H, W] = (pictures as tf.Tensor4D).shape;
    const [mean, logvar] = tf.tidy(() => distribution(this.#run(this.#encoder, pictures, H * W)));
    return { mean, logvar };
  }

  /** Latents of the diffusion -> latents of the network: z / scaling_factor + shift_factor. */
  denormalizeLatents<Latents extends tf.Tensor>(z: Latents): Latents {
    const { scaling_factor: scale, shift_factor: shift } = this.config;
    return tf.tidy(() => tf.add(tf.div(z, scale), shift ?? 0));
  }

  /** Latents of the network -> latents of the diffusion: (z - shift_factor) * scaling_factor. */
  normalizeLatents<Latents extends tf.Tensor>(z: Latents): Latents {
    const { scaling_factor: scale, shift_factor: shift } = this.config;
    return tf.tidy(() => tf.mul(tf.sub(z, shift ?? 0), scale));
  }

  /** Frees the weights. The autoencoder cannot be used afterwards. */
  override dispose(): void {
    super.dispose();
    this.#decoder.dispose();
    this.#encoder.dispose();
    this.#weights.dispose();
  }

  #run(layers: LayerStack, x: tf.Tensor, pixels: number): tf.Tensor4D {
    const values = pixels * this.config.block_out_channels[0];
    return tf.tidy(() => layers.run(x as tf.Tensor4D, values));
  }
}

function checkShape(action: string, x: tf.Tensor, channels: number, multiple: number): void {
  const [, C, H, W] = x.shape;
  if (x.rank !== 4 || C !== channels || H % multiple !== 0 || W % multiple !== 0) {
    const sides = multiple === 1 ? 'h, w)' : `H, W) with sides that ${multiple} divides`;
    throw new Error(
      `Cannot ${action} as their shape must be (B, ${channels}, ${sides}: current value is (${x.shape.join(', ')})`,
    );
  }
}
