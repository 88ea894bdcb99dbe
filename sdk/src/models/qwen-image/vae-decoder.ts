import { convolutionLayer, upsample, head, type Layer } from '../autoencoder/layers';
import type { VaeWeights } from '../autoencoder/vae-weights';
import type { AutoencoderConfig } from './autoencoder-config';
import { channelNormLayer, midBlock, qwenResidualBlock } from './vae-layers';

/** The decoder as a list of layers: latents (B, h, w, z_dim) -> pictures (B, 8h, 8w, 3). */
export function decoderLayers(config: AutoencoderConfig, weights: VaeWeights): Layer[] {
  const levels = config.dim_mult.length;
  const layers = [
    convolutionLayer(weights, 'post_quant_conv'),
    convolutionLayer(weights, 'decoder.conv_in'),
    ...midBlock(weights, 'decoder.mid_block'),
  ];
  for (let level = 0; level < levels; level++) {
    const block = `decoder.up_blocks.${level}`;
    for (let index = 0; index <= config.num_res_blocks; index++) {
      layers.push(qwenResidualBlock(weights, `${block}.resnets.${index}`));
    }
    if (level < levels - 1) layers.push(upsample(weights, `${block}.upsamplers.0.resample.1`));
  }
  return [
    ...layers,
    head(weights, channelNormLayer(weights, 'decoder.norm_out'), 'decoder.conv_out'),
  ];
}
