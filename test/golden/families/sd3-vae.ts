import { AutoencoderKL } from '../../../sdk/src/models/stable-diffusion-3/autoencoder';
import type { tf } from '../../../sdk/src/tensorflow';
import { Comparison } from '../comparison';
import type { FamilyCheck } from '../golden-case';

/** Decoding, encoding and latent normalisation of Stable Diffusion 3's autoencoder. */
export const check: FamilyCheck = async (goldenCase) => {
  const { tolerance, model } = goldenCase.json;
  const comparison = new Comparison();
  const vae = AutoencoderKL.fromPretrained(goldenCase.path(model));
  const compare = (name: string, actual: tf.Tensor): void =>
    comparison.compare(name, actual, goldenCase.tensor(name), tolerance);

  compare('decoder_input', vae.denormalizeLatents(goldenCase.tensor('latents')));
  compare('image', vae.decode(goldenCase.tensor('decoder_input')));
  const { mean, logvar } = vae.encode(goldenCase.tensor('enc_image'));
  compare('enc_mean', mean);
  compare('enc_logvar', logvar);
  compare('enc_mode_normalized', vae.normalizeLatents(mean));
  vae.dispose();
  return comparison.result();
};
