import type { tf } from '../tensorflow';
import { parseTransformerConfig as parseQwenImage } from './qwen-image/transformer-config';
import { parameterShapes as qwenImageShapes } from './qwen-image/transformer-parameters';
import { QwenImageTransformer2DModel } from './qwen-image/transformer';
import { sinCosPositions } from './stable-diffusion-3/sin-cos-positions';
import { SD3Transformer2DModel } from './stable-diffusion-3/transformer';
import {
  innerWidth,
  parseTransformerConfig as parseSD3,
} from './stable-diffusion-3/transformer-config';
import {
  parameterShapes as sd3Shapes,
  POSITIONS,
} from './stable-diffusion-3/transformer-parameters';

/** What a kind of transformer consists of, apart from its weights. */
export interface TransformerNetwork {
  /** Every tensor of a checkpoint: name to shape. */
  shapes: ReadonlyMap<string, readonly number[]>;
  /** Tensors that no training changes: name to what makes them. */
  buffers: ReadonlyMap<string, () => tf.Tensor>;
  /** Makes the model; the tensors are taken over. */
  build(
    stateDict: ReadonlyMap<string, tf.Tensor>,
  ): QwenImageTransformer2DModel | SD3Transformer2DModel;
}

/**
 * A transformer by its configuration (transformer/config.json with `_class_name`), for code that makes new weights.
 *
 * @throws When the class is unknown, or a setting cannot be.
 *
 * @example
 * import { readFileSync } from 'node:fs';
 * const file = 'datasets/tiny-qwen-image/transformer/config.json';
 * const { shapes } = transformerNetwork(JSON.parse(readFileSync(file, 'utf8')));
 * shapes.get('img_in.weight')?.[1]; // 16 // what a token of latents has
 */
export function transformerNetwork(config: Record<string, unknown>): TransformerNetwork {
  const { _class_name: className } = config;
  if (className === 'QwenImageTransformer2DModel') {
    return {
      shapes: qwenImageShapes(parseQwenImage(config)),
      buffers: new Map(),
      build: (stateDict) => new QwenImageTransformer2DModel(config, stateDict),
    };
  }
  if (className === 'SD3Transformer2DModel') {
    const settings = parseSD3(config);
    const { pos_embed_max_size: side, sample_size: size, patch_size: patch } = settings;
    const base = Math.floor(size / patch);
    return {
      shapes: sd3Shapes(settings),
      buffers: new Map([[POSITIONS, () => sinCosPositions(side, base, innerWidth(settings))]]),
      build: (stateDict) => new SD3Transformer2DModel(config, stateDict),
    };
  }
  throw new Error(
    `Cannot make a transformer as its _class_name must be QwenImageTransformer2DModel or SD3Transformer2DModel: current value is ${String(className)}`,
  );
}
