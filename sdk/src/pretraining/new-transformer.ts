import type { RandomKey } from '../core/random-key';
import { transformerNetwork } from '../models';
import { initialWeights } from './initial-weights';

/**
 * A transformer with new weights.
 *
 * @param config transformer/config.json with `_class_name`.
 * @param key What the weights follow from.
 * @example
 * const config = {
 *   _class_name: 'QwenImageTransformer2DModel',
 *   num_layers: 2,
 *   attention_head_dim: 24,
 *   num_attention_heads: 2,
 *   joint_attention_dim: 64,
 *   axes_dims_rope: [8, 8, 8],
 *   in_channels: 16,
 *   out_channels: 4,
 * };
 * const transformer = newTransformer(config, RandomKey.fromSeed(1));
 * transformer.savePretrained('runs/new/transformer');
 * transformer.dispose();
 */
export function newTransformer(config: Record<string, unknown>, key: RandomKey) {
  const { shapes, buffers, build } = transformerNetwork(config);
  return build(initialWeights(shapes, key, (name) => buffers.get(name)?.() ?? null));
}
