import { encodeSafetensors } from '../../io/write-safetensors';
import type { EncodedTensor } from '../../io/write-safetensors';
import type { RewardProtocol } from './reward-protocol';

/**
 * Pictures as they are: tensors `images.0`, `images.1`, ... of bytes (H, W, 3); `prompts` and `metadata` as JSON in the file's
 * metadata.
 */
export const safetensorsProtocol: RewardProtocol = {
  contentType: 'application/safetensors',
  async encode({ images, prompts, metadata }) {
    const tensors = images.map(({ width, height, data }, at): [string, EncodedTensor] => [
      `images.${at}`,
      { dtype: 'U8', shape: [height, width, 3], bytes: () => data },
    ]);
    return encodeSafetensors(tensors, {
      prompts: JSON.stringify(prompts),
      metadata: JSON.stringify(metadata),
    });
  },
};
