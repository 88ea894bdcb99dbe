import { AutoencoderKLQwenImage } from '../../../sdk/src/models/qwen-image/autoencoder';
import { packLatents, unpackLatents } from '../../../sdk/src/models/qwen-image/vae-latents';
import { tf } from '../../../sdk/src/tensorflow';
import { Comparison } from '../comparison';
import type { FamilyCheck } from '../golden-case';

/** Decoding, encoding, latent normalisation and packing of the Qwen-Image autoencoder. */
export const check: FamilyCheck = async (goldenCase) => {
  const { tolerance } = goldenCase.json;
  const comparison = new Comparison();
  const vae = AutoencoderKLQwenImage.fromPretrained(goldenCase.path(goldenCase.json.model));
  const compare = (name: string, actual: tf.Tensor): void =>
    comparison.compare(name, actual, goldenCase.tensor(name), tolerance);

  const latents = goldenCase.tensor('latents');
  const image = vae.decode(goldenCase.tensor('decoder_input'));
  compare('decoder_input', vae.denormalizeLatents(latents));
  compare('image', image);
  compare('image01', tf.clipByValue(tf.add(tf.div(tf.squeeze(image, [2]), 2), 0.5), 0, 1));

  const packed = packLatents(latents);
  const [h, w] = latents.shape.slice(-2);
  compare('packed_latents', packed);
  compare('latents', unpackLatents(packed, h, w));

  const { mean, logvar } = vae.encode(goldenCase.tensor('enc_image'));
  compare('enc_mean', mean);
  compare('enc_logvar', logvar);
  compare('enc_mode_normalized', vae.normalizeLatents(mean));
  vae.dispose();
  return comparison.result();
};
