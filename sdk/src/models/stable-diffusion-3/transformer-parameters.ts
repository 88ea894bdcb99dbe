import { innerWidth, type SD3TransformerConfig } from './transformer-config';

type Layer = [path: string, size: [outputs: number, inputs: number]];

/** The table of positions: part of a checkpoint, but not trained. */
export const POSITIONS = 'pos_embed.pos_embed';

/** Linear layers of the transformer: module path to [out, in]. All of them have a bias. */
export function linearLayers(config: SD3TransformerConfig): Map<string, [number, number]> {
  const width = innerWidth(config);
  const outputs = config.patch_size ** 2 * (config.out_channels ?? config.in_channels);
  const layers = new Map<string, [number, number]>([
    ['time_text_embed.timestep_embedder.linear_1', [width, 256]],
    ['time_text_embed.timestep_embedder.linear_2', [width, width]],
    ['time_text_embed.text_embedder.linear_1', [width, config.pooled_projection_dim]],
    ['time_text_embed.text_embedder.linear_2', [width, width]],
    ['context_embedder', [width, config.joint_attention_dim]],
  ]);
  for (let index = 0; index < config.num_layers; index++) {
    for (const [name, size] of blockLayers(index, config)) {
      layers.set(`transformer_blocks.${index}.${name}`, size);
    }
  }
  layers.set('norm_out.linear', [2 * width, width]);
  layers.set('proj_out', [outputs, width]);
  return layers;
}

/** Every tensor of a checkpoint: name to shape. */
export function parameterShapes(config: SD3TransformerConfig): Map<string, number[]> {
  const { patch_size: patch, attention_head_dim: headSize } = config;
  const width = innerWidth(config);
  const shapes = new Map<string, number[]>([
    [POSITIONS, [1, config.pos_embed_max_size ** 2, width]],
    ['pos_embed.proj.weight', [width, config.in_channels, patch, patch]],
    ['pos_embed.proj.bias', [width]],
  ]);
  for (const [path, [outputs, inputs]] of linearLayers(config)) {
    shapes.set(`${path}.weight`, [outputs, inputs]);
    shapes.set(`${path}.bias`, [outputs]);
  }
  for (let index = 0; index < config.num_layers && config.qk_norm !== null; index++) {
    const names = ['norm_q', 'norm_k', 'norm_added_q', 'norm_added_k'].map(
      (norm) => `attn.${norm}`,
    );
    if (config.dual_attention_layers.includes(index)) names.push('attn2.norm_q', 'attn2.norm_k');
    for (const name of names) shapes.set(`transformer_blocks.${index}.${name}.weight`, [headSize]);
  }
  return shapes;
}

function blockLayers(index: number, config: SD3TransformerConfig): Layer[] {
  const width = innerWidth(config);
  const isLast = index === config.num_layers - 1;
  const isDual = config.dual_attention_layers.includes(index);
  const square = (attention: string, names: string[]): Layer[] =>
    names.map((name) => [`${attention}.${name}`, [width, width]]);
  const mlp = (name: string): Layer[] => [
    [`${name}.net.0.proj`, [4 * width, width]],
    [`${name}.net.2`, [width, 4 * width]],
  ];
  return [
    ['norm1.linear', [(isDual ? 9 : 6) * width, width]],
    ['norm1_context.linear', [(isLast ? 2 : 6) * width, width]],
    ...square('attn', ['to_q', 'to_k', 'to_v', 'to_out.0']),
    ...square('attn', ['add_q_proj', 'add_k_proj', 'add_v_proj']),
    ...(isLast ? [] : square('attn', ['to_add_out'])),
    ...(isDual ? square('attn2', ['to_q', 'to_k', 'to_v', 'to_out.0']) : []),
    ...mlp('ff'),
    ...(isLast ? [] : mlp('ff_context')),
  ];
}
