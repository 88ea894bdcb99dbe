import { WeightShapes } from '../autoencoder/weight-shapes';
import type { AutoencoderConfig } from './autoencoder-config';

/** Convolutions over time, which a single frame never meets. */
export const TIME_CONVOLUTIONS = /\.time_conv\.(weight|bias)$/;

/** Every tensor that single frames need: name to shape. */
export function vaeShapes(config: AutoencoderConfig): Map<string, number[]> {
  const { base_dim, dim_mult, z_dim, input_channels } = config;
  const shapes = new WeightShapes(3, (channels) => [['gamma', [channels, 1, 1, 1]]]);
  const widths = dim_mult.map((factor) => base_dim * factor);
  const deepest = widths[widths.length - 1];
  shapes.convolution('encoder.conv_in', base_dim, input_channels);
  addDownBlocks(shapes, config, [base_dim, ...widths]);
  addMidBlock(shapes, 'encoder.mid_block', deepest);
  shapes.norm('encoder.norm_out', deepest);
  shapes.convolution('encoder.conv_out', 2 * z_dim, deepest);
  shapes.convolution('quant_conv', 2 * z_dim, 2 * z_dim, 1);
  shapes.convolution('post_quant_conv', z_dim, z_dim, 1);
  shapes.convolution('decoder.conv_in', deepest, z_dim);
  addMidBlock(shapes, 'decoder.mid_block', deepest);
  addUpBlocks(shapes, config, [deepest, ...[...widths].reverse()]);
  shapes.norm('decoder.norm_out', widths[0]);
  shapes.convolution('decoder.conv_out', input_channels, widths[0]);
  return shapes.shapes;
}

/** The convolutions over time: name to shape. */
export function timeConvolutionShapes({
  base_dim,
  dim_mult,
  num_res_blocks,
  attn_scales,
  temperal_downsample,
}: AutoencoderConfig): Map<string, number[]> {
  const shapes = new Map<string, number[]>();
  const add = (name: string, outputs: number, inputs: number) => {
    shapes.set(`${name}.time_conv.weight`, [outputs, inputs, 3, 1, 1]);
    shapes.set(`${name}.time_conv.bias`, [outputs]);
  };
  const widths = dim_mult.map((factor) => base_dim * factor);
  let position = 0;
  temperal_downsample.forEach((halvesTime, level) => {
    const attentions = attn_scales.includes(2 ** -level) ? num_res_blocks : 0;
    position += num_res_blocks + attentions;
    if (halvesTime) add(`encoder.down_blocks.${position}`, widths[level], widths[level]);
    position++;
  });
  const rising = [...widths].reverse();
  [...temperal_downsample].reverse().forEach((doublesTime, level) => {
    const name = `decoder.up_blocks.${level}.upsamplers.0`;
    if (doublesTime) add(name, 2 * rising[level], rising[level]);
  });
  return shapes;
}

/** The encoder numbers residual blocks, attention and resampling in one row. */
function addDownBlocks(shapes: WeightShapes, config: AutoencoderConfig, widths: number[]): void {
  let position = 0;
  const next = (): string => `encoder.down_blocks.${position++}`;
  for (let level = 0; level < config.dim_mult.length; level++) {
    const outputs = widths[level + 1];
    for (let index = 0; index < config.num_res_blocks; index++) {
      shapes.residualBlock(next(), index === 0 ? widths[level] : outputs, outputs);
      if (config.attn_scales.includes(2 ** -level)) addAttention(shapes, next(), outputs);
    }
    if (level < config.dim_mult.length - 1) {
      shapes.layer(`${next()}.resample.1`, outputs, outputs, [3, 3]);
    }
  }
}

/** Each upsampling halves the channels. */
function addUpBlocks(shapes: WeightShapes, config: AutoencoderConfig, widths: number[]): void {
  for (let level = 0; level < config.dim_mult.length; level++) {
    const block = `decoder.up_blocks.${level}`;
    const inputs = level === 0 ? widths[0] : Math.floor(widths[level] / 2);
    const outputs = widths[level + 1];
    shapes.residualBlocks(`${block}.resnets`, config.num_res_blocks + 1, inputs, outputs);
    if (level < config.dim_mult.length - 1) {
      const half = Math.floor(outputs / 2);
      shapes.layer(`${block}.upsamplers.0.resample.1`, half, outputs, [3, 3]);
    }
  }
}

function addMidBlock(shapes: WeightShapes, name: string, channels: number): void {
  shapes.residualBlocks(`${name}.resnets`, 2, channels, channels);
  addAttention(shapes, `${name}.attentions.0`, channels);
}

function addAttention(shapes: WeightShapes, name: string, channels: number): void {
  shapes.add(`${name}.norm.gamma`, [channels, 1, 1]);
  shapes.layer(`${name}.to_qkv`, 3 * channels, channels, [1, 1]);
  shapes.layer(`${name}.proj`, channels, channels, [1, 1]);
}
