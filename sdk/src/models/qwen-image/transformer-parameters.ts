import type { QwenImageTransformerConfig } from './transformer-config';

/** Linear layers of the transformer: module path to [out, in]. All of them have a bias. */
export function linearLayers(config: QwenImageTransformerConfig): Map<string, [number, number]> {
  const width = config.num_attention_heads * config.attention_head_dim;
  const outputs = config.patch_size ** 2 * (config.out_channels ?? config.in_channels);
  const layers = new Map<string, [number, number]>([
    ['time_text_embed.timestep_embedder.linear_1', [width, 256]],
    ['time_text_embed.timestep_embedder.linear_2', [width, width]],
    ['img_in', [width, config.in_channels]],
    ['txt_in', [width, config.joint_attention_dim]],
  ]);
  const block: [string, [number, number]][] = [
    ...['img', 'txt'].flatMap((stream): [string, [number, number]][] => [
      [`${stream}_mod.1`, [6 * width, width]],
      [`${stream}_mlp.net.0.proj`, [4 * width, width]],
      [`${stream}_mlp.net.2`, [width, 4 * width]],
    ]),
    ...[
      'to_q',
      'to_k',
      'to_v',
      'add_q_proj',
      'add_k_proj',
      'add_v_proj',
      'to_out.0',
      'to_add_out',
    ].map((name): [string, [number, number]] => [`attn.${name}`, [width, width]]),
  ];
  for (let index = 0; index < config.num_layers; index++) {
    for (const [name, size] of block) layers.set(`transformer_blocks.${index}.${name}`, size);
  }
  layers.set('norm_out.linear', [2 * width, width]);
  layers.set('proj_out', [outputs, width]);
  return layers;
}

/** Every parameter's name and shape, as checkpoints have them. */
export function parameterShapes(config: QwenImageTransformerConfig): Map<string, number[]> {
  const shapes = new Map<string, number[]>([['txt_norm.weight', [config.joint_attention_dim]]]);
  for (const [path, [outputs, inputs]] of linearLayers(config)) {
    shapes.set(`${path}.weight`, [outputs, inputs]);
    shapes.set(`${path}.bias`, [outputs]);
  }
  for (let index = 0; index < config.num_layers; index++) {
    for (const norm of ['norm_q', 'norm_k', 'norm_added_q', 'norm_added_k']) {
      shapes.set(`transformer_blocks.${index}.attn.${norm}.weight`, [config.attention_head_dim]);
    }
  }
  if (config.use_additional_t_cond) {
    const width = config.num_attention_heads * config.attention_head_dim;
    shapes.set('time_text_embed.addition_t_embedding.weight', [2, width]);
  }
  return shapes;
}
