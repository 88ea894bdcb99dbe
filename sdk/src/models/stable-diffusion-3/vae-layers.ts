import { tf } from '../../tensorflow';
import {
  convolutionLayer,
  downsample,
  head,
  residualBlock,
  upsample,
  type FindNorm,
  type Layer,
} from '../autoencoder/layers';
import type { VaeWeights } from '../autoencoder/vae-weights';
import { attention, linear } from '../layers';
import type { AutoencoderKLConfig } from './autoencoder-config';
import { groupNorm } from './group-norm';

/** Pictures (B, H, W, 3) -> mean and logvar (B, H/8, W/8, 2 latent_channels). */
export function encoderLayers(config: AutoencoderKLConfig, weights: VaeWeights): Layer[] {
  const norm = groupNorms(config, weights);
  const levels = config.block_out_channels.length;
  const layers = [convolutionLayer(weights, 'encoder.conv_in')];
  for (let level = 0; level < levels; level++) {
    const block = `encoder.down_blocks.${level}`;
    layers.push(...residualBlocks(block, config.layers_per_block, weights, norm));
    if (level < levels - 1) layers.push(downsample(weights, `${block}.downsamplers.0.conv`));
  }
  layers.push(...midBlock('encoder.mid_block', config, weights, norm));
  layers.push(head(weights, norm('encoder.conv_norm_out'), 'encoder.conv_out'));
  if (config.use_quant_conv) layers.push(convolutionLayer(weights, 'quant_conv'));
  return layers;
}

/** Latents (B, h, w, latent_channels) -> pictures (B, 8h, 8w, 3). */
export function decoderLayers(config: AutoencoderKLConfig, weights: VaeWeights): Layer[] {
  const norm = groupNorms(config, weights);
  const levels = config.block_out_channels.length;
  const layers = config.use_post_quant_conv ? [convolutionLayer(weights, 'post_quant_conv')] : [];
  layers.push(convolutionLayer(weights, 'decoder.conv_in'));
  layers.push(...midBlock('decoder.mid_block', config, weights, norm));
  for (let level = 0; level < levels; level++) {
    const block = `decoder.up_blocks.${level}`;
    layers.push(...residualBlocks(block, config.layers_per_block + 1, weights, norm));
    if (level < levels - 1) layers.push(upsample(weights, `${block}.upsamplers.0.conv`));
  }
  return [...layers, head(weights, norm('decoder.conv_norm_out'), 'decoder.conv_out')];
}

function groupNorms(
  { norm_num_groups: groups }: AutoencoderKLConfig,
  weights: VaeWeights,
): FindNorm {
  return (name) => {
    const gain = weights.tensor<tf.Tensor1D>(`${name}.weight`);
    const bias = weights.tensor<tf.Tensor1D>(`${name}.bias`);
    return (x) => groupNorm(x, gain, bias, groups);
  };
}

function residualBlocks(
  block: string,
  count: number,
  weights: VaeWeights,
  norm: FindNorm,
): Layer[] {
  const names = Array.from({ length: count }, (_, index) => `${block}.resnets.${index}`);
  return names.map((name) => residualBlock(weights, name, norm));
}

/** Residual block, attention, residual block, at the coarsest level. */
function midBlock(
  name: string,
  config: AutoencoderKLConfig,
  weights: VaeWeights,
  norm: FindNorm,
): Layer[] {
  const [first, second] = residualBlocks(name, 2, weights, norm);
  if (!config.mid_block_add_attention) return [first, second];
  return [first, attentionBlock(weights, `${name}.attentions.0`, norm), second];
}

/** Self-attention of one head over the pixels, added to the input. */
function attentionBlock(weights: VaeWeights, name: string, norm: FindNorm): Layer {
  const projection = (part: string) => {
    const weight = weights.tensor<tf.Tensor2D>(`${name}.${part}.weight`);
    const bias = weights.tensor<tf.Tensor1D>(`${name}.${part}.bias`);
    return (x: tf.Tensor4D): tf.Tensor4D => linear(x, weight, bias);
  };
  const groups = norm(`${name}.group_norm`);
  const [toQ, toK, toV, toOut] = ['to_q', 'to_k', 'to_v', 'to_out.0'].map(projection);
  return (x) =>
    tf.tidy(() => {
      const [B, H, W, C] = x.shape;
      const pixels = groups(x).reshape<tf.Tensor4D>([B, 1, H * W, C]);
      const y = attention(toQ(pixels), toK(pixels), toV(pixels), null);
      return tf.add(x, toOut(y).reshape(x.shape));
    });
}
