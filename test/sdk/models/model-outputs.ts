import { resolve } from 'node:path';
import {
  AutoencoderKL,
  AutoencoderKLQwenImage,
  CLIPTextModelWithProjection,
  Qwen2_5_VLTextEncoder,
  T5EncoderModel,
} from '../../../sdk/src/models';
import { tf } from '../../../sdk/src/tensorflow';
import { waves } from './waves';

export const model = resolve(__dirname, '../../golden/models/tiny-qwen-image');

const sd3 = resolve(__dirname, '../../golden/models/tiny-sd3');

/** Outputs of autoencoders and text encoders on fixed inputs, whatever the backend. */
export function modelOutputs(): Record<string, number[]> {
  const outputs = tf.tidy(() => ({ ...qwenImageOutputs(), ...stableDiffusion3Outputs() }));
  const values = Object.entries(outputs).map(([name, tensor]) => [name, [...tensor.dataSync()]]);
  tf.dispose(Object.values(outputs));
  return Object.fromEntries(values);
}

function qwenImageOutputs(): Record<string, tf.Tensor> {
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
  [vae, encoder].forEach((one) => one.dispose());
  return outputs;
}

function stableDiffusion3Outputs(): Record<string, tf.Tensor> {
  const vae = AutoencoderKL.fromPretrained(sd3);
  const clip = ['text_encoder', 'text_encoder_2'].map((component) =>
    CLIPTextModelWithProjection.fromPretrained(sd3, component),
  );
  const t5 = T5EncoderModel.fromPretrained(sd3);
  const input_ids = tf.tensor2d([5, 300, 17, 6, 0, 0], [2, 3], 'int32');
  const { mean, logvar } = vae.encode(waves([1, 3, 16, 16]));
  const [first, second] = clip.map((model) => model.forward({ input_ids }).text_embeds);
  const outputs = {
    'Stable Diffusion 3 picture': vae.decode(waves([2, 4, 2, 3])),
    'Stable Diffusion 3 mean': mean,
    'Stable Diffusion 3 logvar': logvar,
    'CLIP-L': first,
    'CLIP-G': second,
    T5: t5.forward({ input_ids }),
  };
  [vae, ...clip, t5].forEach((one) => one.dispose());
  return outputs;
}

if (require.main === module) process.stdout.write(JSON.stringify(modelOutputs()));
