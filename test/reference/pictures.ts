import {
  AutoencoderKL,
  FlowMatchEulerDiscreteScheduler,
  SD3PromptEncoder,
  SD3Transformer2DModel,
  loadPipeline,
  openModelDirectory,
  tf,
} from '@flowbook/sdk';

/** What makes a picture, apart from the model. */
export interface PictureSettings {
  prompt: string;
  negativePrompt: string;
  /** Pixels a side. */
  size: number;
  steps: number;
  guidance: number;
  variant?: string;
}

/** Makes one picture (1, 3, H, W) in [0, 1] from given noise, without further noise, by a model's folder. */
export async function makePicture(
  folder: string,
  latents: tf.Tensor,
  settings: PictureSettings,
): Promise<tf.Tensor> {
  const isQwen = openModelDirectory(folder).className === 'QwenImagePipeline';
  const picture = await (isQwen ? makeQwen : makeSD3)(folder, latents, settings);
  return tf.tidy(() => tf.clipByValue(tf.div(tf.add(picture, 1), 2), 0, 1));
}

async function makeQwen(
  folder: string,
  latents: tf.Tensor,
  { prompt, negativePrompt, size, steps, guidance, variant }: PictureSettings,
): Promise<tf.Tensor> {
  const pipeline = await loadPipeline(folder, { height: size, width: size }, { variant });
  const { output } = await pipeline.forward(
    { prompts: [{ prompt, negative_prompt: negativePrompt }] },
    {
      latents,
      numInferenceSteps: steps,
      trueCfgScale: guidance,
      noiseLevel: 0,
      logprobs: false,
      outputType: 'pt',
    },
  );
  pipeline.dispose();
  return output as tf.Tensor;
}

async function makeSD3(
  folder: string,
  latents: tf.Tensor,
  { prompt, steps, guidance, variant }: PictureSettings,
): Promise<tf.Tensor> {
  const encoder = SD3PromptEncoder.fromPretrained(folder, { variant });
  const transformer = SD3Transformer2DModel.fromPretrained(folder, { variant });
  const vae = AutoencoderKL.fromPretrained(folder, { variant });
  const config = openModelDirectory(folder).config('scheduler');
  const scheduler = FlowMatchEulerDiscreteScheduler.fromConfig(config);
  const picture = tf.tidy(() => {
    const { prompt_embeds, pooled_prompt_embeds } = encoder.encode(['', prompt], {
      maxSequenceLength: 32,
    });
    scheduler.setTimesteps(steps);
    let x = latents;
    for (const timestep of scheduler.timestepValues) {
      const { sample } = transformer.forward({
        hidden_states: tf.concat([x, x]) as tf.Tensor4D,
        timestep: tf.fill([2], timestep) as tf.Tensor1D,
        encoder_hidden_states: prompt_embeds,
        pooled_projections: pooled_prompt_embeds,
      });
      const [without, with_] = tf.split(sample as tf.Tensor, 2);
      const v = tf.add(without, tf.mul(tf.sub(with_, without), guidance));
      x = scheduler.step(v, timestep, x).prevSample;
    }
    return vae.decode(vae.denormalizeLatents(x));
  });
  for (const part of [encoder, transformer, vae]) part.dispose();
  return picture;
}
