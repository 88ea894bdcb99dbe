import type { RandomKey } from '../core/random-key';
import type { LossGradients } from '../losses';
import { autoencoderNetwork, type AutoencoderNetwork } from '../models';
import { distribution } from '../models/autoencoder/latent-distribution';
import type { Layer } from '../models/autoencoder/layers';
import { VaeWeights } from '../models/autoencoder/vae-weights';
import { compile, randomNormal, tf, type CompiledFunction } from '../tensorflow';
import { autoencoderLoss, type AutoencoderLossWeights } from './autoencoder-loss';
import { initialWeights } from './initial-weights';
import type { PretrainingTask } from './pretrain';

/** How an autoencoder is pre-trained. */
export interface AutoencoderTaskOptions {
  /** vae/config.json with `_class_name`. */
  config: Record<string, unknown>;
  /** A batch of pictures (B, H, W, 3) from -1 to 1, drawn by the step's key. The task disposes it. */
  pictures: (key: RandomKey) => tf.Tensor4D;
  /** (3) The colour of empty ground, from -1 to 1. */
  ground: readonly number[];
  /** Noise on latents as they are decoded, in standard deviations of their channel: codes of colours move apart. */
  latentNoise: number;
  loss: AutoencoderLossWeights;
  /** What new weights follow from. */
  key: RandomKey;
  /** Measures the weights as they are, for the log. */
  evaluate?: (task: AutoencoderTask) => Promise<Record<string, number>>;
}

/** A picture's code has this log-variance at first: with 0 the noise would drown it. */
const FIRST_LOG_VARIANCE = -6;

/**
 * Pre-trains an autoencoder: new weights, its loss with gradients, and pictures there and back.
 *
 * @example
 * import { readFileSync } from 'node:fs';
 * const task = new AutoencoderTask({
 *   config: JSON.parse(readFileSync('datasets/tiny-qwen-image/vae/config.json', 'utf8')),
 *   pictures: (key) => randomUniform(key, [2, 16, 16, 3]) as tf.Tensor4D,
 *   ground: [0.8, 0.8, 0.8],
 *   latentNoise: 0.1,
 *   loss: { foreground: 10, chroma: 10, kl: 1e-5 },
 *   key: RandomKey.fromSeed(1),
 * });
 * task.encode(tf.zeros([1, 16, 16, 3])).shape; // [1, 2, 2, 4]
 * task.dispose();
 */
export class AutoencoderTask implements PretrainingTask {
  readonly variables: ReadonlyMap<string, tf.Variable>;
  readonly network: AutoencoderNetwork;
  readonly #options: AutoencoderTaskOptions;
  readonly #step: CompiledFunction<[tf.Tensor4D, tf.Tensor4D], Record<string, tf.Tensor>>;
  readonly #encode: CompiledFunction<[tf.Tensor4D], tf.Tensor4D>;
  readonly #decode: CompiledFunction<[tf.Tensor4D], tf.Tensor4D>;

  constructor(options: AutoencoderTaskOptions) {
    this.#options = options;
    this.network = autoencoderNetwork(options.config);
    const weights = initialWeights(this.network.shapes, options.key, (name, shape) =>
      startOf(name, shape, this.network, options.key),
    );
    this.variables = new Map(
      [...weights].map(([name, tensor]) => [name, tf.variable(tensor)] as const),
    );
    tf.dispose([...weights.values()]);
    const named = <
      Arguments extends tf.Tensor[],
      Result extends tf.Tensor | Record<string, tf.Tensor>,
    >(
      name: string,
      fn: (...args: Arguments) => Result,
    ) =>
      // Its convolutions are small: compiled by XLA a step takes a quarter longer.
      compile(fn, { name: `${this.network.className}, ${name}`, xla: false });
    this.#step = named('training', (x: tf.Tensor4D, noise: tf.Tensor4D) => this.#learn(x, noise));
    this.#encode = named('encoder', (x: tf.Tensor4D) => this.#moments(x)[0]);
    this.#decode = named('decoder', (z: tf.Tensor4D) => this.#pictures(z));
  }

  /**
   * The loss of one batch, `autoencoderLoss` of pictures decoded from noised codes, with its gradients by the variables' names.
   *
   * @param key The step's own: pictures and noise follow from it.
   * @returns The caller disposes it.
   */
  async gradients(key: RandomKey): Promise<LossGradients> {
    const pictures = this.#options.pictures(key.fold('pictures'));
    const [B, H, W] = pictures.shape;
    const { latentChannels: C, spatialCompressionRatio: side } = this.network;
    const shape = [B, H / side, W / side, C];
    const noise = randomNormal(key.fold('latents'), shape) as tf.Tensor4D;
    try {
      const { loss, ...rest } = await this.#step.runAsync(pictures, noise);
      const gradients = new Map(Object.entries(rest));
      return {
        loss: loss as tf.Scalar,
        gradients,
        readMetrics: () => ({ loss: loss.dataSync()[0] }),
        dispose: () => tf.dispose([loss, ...gradients.values()]),
      };
    } finally {
      tf.dispose([pictures, noise]);
    }
  }

  /** What the option `evaluate` measures, for the log; nothing without it. */
  async evaluate(): Promise<Record<string, number>> {
    return (await this.#options.evaluate?.(this)) ?? {};
  }

  /** Pictures (B, H, W, 3) -> means of their latents (B, h, w, C). */
  encode(pictures: tf.Tensor4D): tf.Tensor4D {
    return this.#encode(pictures);
  }

  /** Latents (B, h, w, C) -> pictures (B, H, W, 3), about -1 to 1. */
  decode(latents: tf.Tensor4D): tf.Tensor4D {
    return this.#decode(latents);
  }

  /** Copies of the weights as a checkpoint holds them. The caller owns them. */
  stateDict(): Map<string, tf.Tensor> {
    const state = new Map<string, tf.Tensor>();
    for (const [name, variable] of this.variables) state.set(name, variable.clone());
    for (const [name, shape] of this.network.unread) state.set(name, tf.zeros([...shape]));
    return state;
  }

  /** Frees the weights and what was compiled for them. */
  dispose(): void {
    this.#step.dispose();
    this.#encode.dispose();
    this.#decode.dispose();
    tf.dispose([...this.variables.values()]);
  }

  /** The loss and its gradients, by the variables' names. */
  #learn(pictures: tf.Tensor4D, noise: tf.Tensor4D): Record<string, tf.Tensor> {
    const { ground, loss: weights, latentNoise } = this.#options;
    const list = [...this.variables.values()];
    const { value, grads } = tf.variableGrads(() => {
      const [mean, logvar] = this.#moments(pictures);
      const spread = tf.moments(mean, [0, 1, 2]).variance.sqrt();
      const z = tf.add<tf.Tensor4D>(mean, tf.mul(tf.mul(noise, latentNoise), spread));
      const decoded = this.#pictures(z);
      return autoencoderLoss({ pictures, decoded, mean, logvar }, ground, weights);
    }, list);
    const named = [...this.variables].map(([name, variable]) => [name, grads[variable.name]]);
    return { ...Object.fromEntries(named), loss: value };
  }

  #moments(pictures: tf.Tensor4D): [mean: tf.Tensor4D, logvar: tf.Tensor4D] {
    return distribution(
      this.#run((weights) => this.network.encoder(weights), pictures),
      3,
    );
  }

  #pictures(latents: tf.Tensor4D): tf.Tensor4D {
    return this.#run((weights) => this.network.decoder(weights), latents);
  }

  /** Layers are made of the variables anew at each call, so that gradients reach them. */
  #run(layersOf: (weights: VaeWeights) => Layer[], input: tf.Tensor4D): tf.Tensor4D {
    const weights = new VaeWeights(this.network.className, this.variables);
    try {
      return layersOf(weights).reduce((x, layer) => layer(x), input);
    } finally {
      weights.dispose();
    }
  }
}

/** Where an autoencoder starts from: the last slice of a 3D kernel is all that a single picture meets. */
function startOf(
  name: string,
  shape: readonly number[],
  { latentChannels: C }: AutoencoderNetwork,
  key: RandomKey,
): tf.Tensor | null {
  if (name.startsWith('quant_conv')) return startOfCodes(name, shape, C, key);
  if (shape.length !== 5) return null;
  const [out, channels, frames, height, width] = shape;
  return tf.tidy(() => {
    const flat = usualStart(name, [out, channels, height, width], key);
    const present = tf.reshape(flat, [out, channels, 1, height, width]);
    const past = tf.zeros([out, channels, frames - 1, height, width]);
    return tf.concat([past, present], 2);
  });
}

/** The layer that gives means and log-variances: those start at a constant. */
function startOfCodes(
  name: string,
  shape: readonly number[],
  C: number,
  key: RandomKey,
): tf.Tensor {
  return tf.tidy(() => {
    const half = [C, ...shape.slice(1)];
    return name.endsWith('bias')
      ? tf.concat([tf.zeros(half), tf.fill(half, FIRST_LOG_VARIANCE)])
      : tf.concat([usualStart(name, half, key), tf.zeros(half)]);
  });
}

/** What a tensor of this name and shape starts from where nothing else is said. */
function usualStart(name: string, shape: number[], key: RandomKey): tf.Tensor {
  return initialWeights(new Map([[name, shape]]), key).get(name) as tf.Tensor;
}
