import { resolve } from 'node:path';
import { AutoencoderKLQwenImage } from '../../../../sdk/src/models/qwen-image/autoencoder';
import { Qwen2_5_VLTextEncoder } from '../../../../sdk/src/models/qwen-image/text-encoder';
import { tf } from '../../../../sdk/src/tensorflow';
import { waves } from '../waves';

export const model = resolve(__dirname, '../../../golden/models/tiny-qwen-image');

/** Outputs of the autoencoder and the text encoder on fixed inputs, whatever the backend. */
export function modelOutputs(): Record<string, number[]> {
  return tf.tidy(() => {
    const vae = AutoencoderKLQwenImage.fromPretrained(model);
    const encoder = Qwen2_5_VLTextEncoder.fromPretrained(model);
    const { mean, logvar } = vae.encode(waves([1, 3, 1, 16, 16]));
    const outputs = {
      picture: vae.decode(waves([2, 4, 1, 2, 3])),
      mean,
      logvar,
      states: encoder.forward({
        input_ids: tf.tensor2d([5, 900, 17, 6, 0, 0], [2, 3], 'int32'),
        attention_mask: tf.tensor2d([1, 1, 1, 1, 0, 0], [2, 3], 'int32'),
      }),
    };
    vae.dispose();
    encoder.dispose();
    return Object.fromEntries(
      Object.entries(outputs).map(([name, tensor]) => [name, [...tensor.dataSync()]]),
    );
  });
}

if (require.main === module) process.stdout.write(JSON.stringify(modelOutputs()));
