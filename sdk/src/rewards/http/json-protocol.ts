import { toPng } from '../../io/image-file';
import type { RewardProtocol } from './reward-protocol';

/** `{"images": [PNG in base64], "prompts": [text], "metadata": {}}`: the fields of verl-omni's scorers. */
export const jsonProtocol: RewardProtocol = {
  contentType: 'application/json',
  async encode({ images, prompts, metadata }) {
    const files = await Promise.all(images.map(toPng));
    return Buffer.from(
      JSON.stringify({
        images: files.map((file) => file.toString('base64')),
        prompts,
        metadata,
      }),
    );
  },
};
