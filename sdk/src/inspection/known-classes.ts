import { keptValues } from '../models/autoencoder/vae-weights';
import type { ExpectedWeights } from '../models/check-weights';
import { expectedWeights as qwenAutoencoder } from '../models/qwen-image/autoencoder';
import { autoencoderConfig } from '../models/qwen-image/autoencoder-config';
import { expectedWeights as qwenTextEncoder } from '../models/qwen-image/text-encoder';
import { parseTransformerConfig as qwenConfig } from '../models/qwen-image/transformer-config';
import {
  linearLayers as qwenLayers,
  parameterShapes as qwenShapes,
} from '../models/qwen-image/transformer-parameters';
import { parseAutoencoderConfig } from '../models/stable-diffusion-3/autoencoder-config';
import { expectedWeights as clipWeights } from '../models/stable-diffusion-3/clip-text-encoder';
import { expectedWeights as t5Weights } from '../models/stable-diffusion-3/t5-encoder';
import { parseTransformerConfig as sd3Config } from '../models/stable-diffusion-3/transformer-config';
import {
  POSITIONS,
  linearLayers as sd3Layers,
  parameterShapes as sd3Shapes,
} from '../models/stable-diffusion-3/transformer-parameters';
import { vaeShapes } from '../models/stable-diffusion-3/vae-parameters';

type Config = Record<string, unknown>;

/** What a denoising transformer is like, as far as memory goes. */
export interface TransformerShape {
  blocks: number;
  /** Blocks whose picture attends once more, to itself. */
  dualBlocks: number;
  /** Width of the streams. */
  width: number;
  heads: number;
  /** Side of a patch, in latents. */
  patch: number;
  /** Linear layers: path to [out, in]. */
  layers: ReadonlyMap<string, readonly [number, number]>;
}

/** A class of model that Flowbook loads. */
export interface KnownClass {
  /** Tensors that it reads. Throws when a setting cannot be. */
  expected(config: Config, names: readonly string[]): ExpectedWeights;
  /** Values kept in memory of a tensor; the tensor's own when left out. */
  kept?(name: string, shape: readonly number[]): number;
  /** Tensors of a checkpoint that are no parameters. */
  buffers?: readonly string[];
  /** Of a denoising transformer. */
  transformer?(config: Config): TransformerShape;
  /** Of an autoencoder: pixels a side for each latent, and channels at the picture's full size. */
  autoencoder?(config: Config): { compression: number; channels: number };
}

/** By the names that model_index.json and config.json have for them. */
export const knownClasses: Readonly<Record<string, KnownClass>> = {
  QwenImageTransformer2DModel: {
    expected: (config) => ({ shapes: qwenShapes(qwenConfig(config)) }),
    transformer: (json) => {
      const config = qwenConfig(json);
      const { num_layers: blocks, num_attention_heads: heads, patch_size: patch } = config;
      const width = heads * config.attention_head_dim;
      return { blocks, dualBlocks: 0, width, heads, patch, layers: qwenLayers(config) };
    },
  },
  SD3Transformer2DModel: {
    expected: (config) => ({ shapes: sd3Shapes(sd3Config(config)) }),
    buffers: [POSITIONS],
    transformer: (json) => {
      const config = sd3Config(json);
      const { num_layers: blocks, num_attention_heads: heads, patch_size: patch } = config;
      const dualBlocks = config.dual_attention_layers.length;
      const width = heads * config.attention_head_dim;
      return { blocks, dualBlocks, width, heads, patch, layers: sd3Layers(config) };
    },
  },
  AutoencoderKLQwenImage: {
    expected: qwenAutoencoder,
    kept: keptValues,
    autoencoder: (json) => {
      const { dim_mult: levels, base_dim: channels } = autoencoderConfig(json);
      return { compression: 2 ** (levels.length - 1), channels };
    },
  },
  AutoencoderKL: {
    expected: (config) => ({ shapes: vaeShapes(parseAutoencoderConfig(config)) }),
    kept: keptValues,
    autoencoder: (json) => {
      const { block_out_channels: levels } = parseAutoencoderConfig(json);
      return { compression: 2 ** (levels.length - 1), channels: levels[0] };
    },
  },
  Qwen2_5_VLForConditionalGeneration: { expected: qwenTextEncoder },
  CLIPTextModelWithProjection: { expected: (config) => clipWeights(config) },
  T5EncoderModel: { expected: t5Weights },
};
