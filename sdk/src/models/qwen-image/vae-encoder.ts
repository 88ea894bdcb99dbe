import { convolutionLayer, downsample, head, type Layer } from '../autoencoder/layers';
import type { VaeWeights } from '../autoencoder/vae-weights';
import type { AutoencoderConfig } from './autoencoder-config';
import { attentionBlock, channelNormLayer, midBlock, qwenResidualBlock } from './vae-layers';

/** The encoder as a list of layers: pictures (B, H, W, 3) -> mean and logvar (B, H/8, W/8, 2 z_dim). */
export function encoderLayers(config: AutoencoderConfig, weights: VaeWeights): Layer[] {
  const levels = config.dim_mult.length;
  const layers = [convolutionLayer(weights, 'encoder.conv_in')];
  let position = 0;
  const next = (): string => `encoder.down_blocks.${position++}`;
  for (let level = 0; level < levels; level++) {
    for (let index = 0; index < config.num_res_blocks; index++) {
      layers.push(qwenResidualBlock(weights, next()));
      if (config.attn_scales.includes(2 ** -level)) layers.push(attentionBlock(weights, next()));
    }
    if (level < levels - 1) layers.push(downsample(weights, `${next()}.resample.1`));
  }
  return [
    ...layers,
    ...midBlock(weights, 'encoder.mid_block'),
    head(weights, channelNormLayer(weights, 'encoder.norm_out'), 'encoder.conv_out'),
    convolutionLayer(weights, 'quant_conv'),
  ];
}
