import { WeightShapes } from '../autoencoder/weight-shapes';
import type { AutoencoderKLConfig } from './autoencoder-config';

/** Every tensor of a checkpoint: name to shape. */
export function vaeShapes(config: AutoencoderKLConfig): Map<string, number[]> {
  const { latent_channels: z, layers_per_block: layers, block_out_channels: widths } = config;
  const shapes = new WeightShapes(2, (channels) => [
    ['weight', [channels]],
    ['bias', [channels]],
  ]);
  const deepest = widths[widths.length - 1];
  shapes.convolution('encoder.conv_in', widths[0], config.in_channels);
  widths.forEach((outputs, level) => {
    const block = `encoder.down_blocks.${level}`;
    shapes.residualBlocks(`${block}.resnets`, layers, widths[Math.max(0, level - 1)], outputs);
    if (level < widths.length - 1) {
      shapes.convolution(`${block}.downsamplers.0.conv`, outputs, outputs);
    }
  });
  addMidBlock(shapes, 'encoder.mid_block', deepest, config);
  shapes.norm('encoder.conv_norm_out', deepest);
  shapes.convolution('encoder.conv_out', 2 * z, deepest);
  if (config.use_quant_conv) shapes.convolution('quant_conv', 2 * z, 2 * z, 1);
  if (config.use_post_quant_conv) shapes.convolution('post_quant_conv', z, z, 1);
  shapes.convolution('decoder.conv_in', deepest, z);
  addMidBlock(shapes, 'decoder.mid_block', deepest, config);
  const rising = [...widths].reverse();
  rising.forEach((outputs, level) => {
    const block = `decoder.up_blocks.${level}`;
    shapes.residualBlocks(`${block}.resnets`, layers + 1, rising[Math.max(0, level - 1)], outputs);
    if (level < rising.length - 1) {
      shapes.convolution(`${block}.upsamplers.0.conv`, outputs, outputs);
    }
  });
  shapes.norm('decoder.conv_norm_out', widths[0]);
  shapes.convolution('decoder.conv_out', config.out_channels, widths[0]);
  return shapes.shapes;
}

function addMidBlock(
  shapes: WeightShapes,
  name: string,
  channels: number,
  { mid_block_add_attention: attends }: AutoencoderKLConfig,
): void {
  shapes.residualBlocks(`${name}.resnets`, 2, channels, channels);
  if (!attends) return;
  shapes.norm(`${name}.attentions.0.group_norm`, channels);
  for (const part of ['to_q', 'to_k', 'to_v', 'to_out.0']) {
    shapes.layer(`${name}.attentions.0.${part}`, channels, channels);
  }
}
