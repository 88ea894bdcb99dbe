import {
  AutoencoderKL,
  AutoencoderKLQwenImage,
  QwenImageTransformer2DModel,
  RandomKey,
  SD3Transformer2DModel,
  openModelDirectory,
  tf,
} from '@flowbook/sdk';

interface Size {
  height: number;
  width: number;
  batch: number;
  textTokens: number;
  rank: number;
}

/** What is measured of a model: the tensors that are made are the caller's. */
interface MeasuredModel {
  predict(): tf.Tensor;
  /** One picture. */
  decode(): tf.Tensor;
  /** Returns what is trained then. */
  addLora(): tf.Variable[];
  dispose(): void;
}

/** The most bytes that tensors took while `work` ran, besides those that were there. */
export async function peakBytes(work: () => tf.TensorContainer): Promise<number> {
  const { numBytes } = tf.memory();
  const profile = await tf.profile(() => tf.tidy(work));
  return profile.peakBytes - numBytes;
}

/** A model with inputs of a size. */
export function measuredModel(path: string, size: Size): MeasuredModel {
  const isQwen = openModelDirectory(path).className === 'QwenImagePipeline';
  return isQwen ? qwenImage(path, size) : stableDiffusion3(path, size);
}

const LATENT = 8;

function qwenImage(path: string, { height, width, batch, textTokens, rank }: Size): MeasuredModel {
  const transformer = QwenImageTransformer2DModel.fromPretrained(path);
  const vae = AutoencoderKLQwenImage.fromPretrained(path);
  const { in_channels, joint_attention_dim } = transformer.config;
  const [rows, columns] = [height / LATENT / 2, width / LATENT / 2];
  const inputs = {
    hidden_states: tf.randomNormal<tf.Rank.R3>([batch, rows * columns, in_channels]),
    encoder_hidden_states: tf.randomNormal<tf.Rank.R3>([batch, textTokens, joint_attention_dim]),
    timestep: tf.fill<tf.Rank.R1>([batch], 0.5),
  };
  const img_shapes = Array.from({ length: batch }, () => [
    [1, rows, columns] as [number, number, number],
  ]);
  const z = tf.zeros([1, vae.config.z_dim, 1, height / LATENT, width / LATENT]);
  return {
    predict: () => transformer.forward({ ...inputs, img_shapes }).sample,
    decode: () => vae.decode(z),
    addLora: () => adapted(transformer, rank),
    dispose: () => {
      [transformer, vae].forEach((part) => part.dispose());
      tf.dispose([z, ...Object.values(inputs)]);
    },
  };
}

function stableDiffusion3(
  path: string,
  { height, width, batch, textTokens, rank }: Size,
): MeasuredModel {
  const transformer = SD3Transformer2DModel.fromPretrained(path);
  const vae = AutoencoderKL.fromPretrained(path);
  const { in_channels, joint_attention_dim, pooled_projection_dim } = transformer.config;
  const sides = [height / LATENT, width / LATENT] as const;
  const inputs = {
    hidden_states: tf.randomNormal<tf.Rank.R4>([batch, in_channels, ...sides]),
    encoder_hidden_states: tf.randomNormal<tf.Rank.R3>([batch, textTokens, joint_attention_dim]),
    pooled_projections: tf.randomNormal<tf.Rank.R2>([batch, pooled_projection_dim]),
    timestep: tf.fill<tf.Rank.R1>([batch], 500),
  };
  const z = tf.zeros([1, vae.config.latent_channels, ...sides]);
  return {
    predict: () => transformer.forward(inputs).sample,
    decode: () => vae.decode(z),
    addLora: () => adapted(transformer, rank),
    dispose: () => {
      [transformer, vae].forEach((part) => part.dispose());
      tf.dispose([z, ...Object.values(inputs)]);
    },
  };
}

function adapted(
  transformer: QwenImageTransformer2DModel | SD3Transformer2DModel,
  rank: number,
): tf.Variable[] {
  transformer.addLora({ rank, key: RandomKey.fromSeed(0) });
  return [...transformer.trainableVariables().values()];
}
