import { join } from 'node:path';
import {
  AutoencoderTask,
  RandomKey,
  loadShapesPrompts,
  pretrain,
  type PretrainingOptions,
  type tf,
} from '@flowbook/sdk';
import { GROUND, drawPictures, inBatches, shareCorrect, toTensor } from './pictures';

/** What pre-training an autoencoder of the shapes world takes. */
export interface AutoencoderSettings {
  config: Record<string, unknown>;
  batchSize: number;
  latentNoise: number;
  /** Different pictures to learn from. */
  pictures: number;
  /** Pictures that are encoded and judged at each evaluation. */
  judged: number;
  options: Omit<PretrainingOptions, 'folder' | 'signal' | 'onProgress' | 'settings'>;
}

/** Pictures whose latents say what is usual. */
const USUAL = 2048;

/** Pre-trains an autoencoder. @returns The task, which holds the weights, the share of pictures that pass, and usual latents. */
export async function pretrainAutoencoder(
  settings: AutoencoderSettings,
  folder: string,
  onProgress: PretrainingOptions['onProgress'],
  signal: AbortSignal,
): Promise<{ task: AutoencoderTask; found: Record<string, number>; latents: tf.Tensor4D }> {
  const { config, batchSize, latentNoise, pictures, options } = settings;
  const key = RandomKey.fromSeed(options.seed);
  const prompts = loadShapesPrompts(join(__dirname, '..', 'train.jsonl'));
  const learned = drawPictures(prompts, pictures, key.fold('pictures'));
  const judged = drawPictures(prompts, settings.judged, key.fold('judged'));
  const task = new AutoencoderTask({
    config,
    ground: GROUND,
    latentNoise,
    loss: { foreground: 10, chroma: 10, kl: 1e-5 },
    key: key.fold('weights'),
    pictures: (step) => {
      const rows = Array.from({ length: batchSize }, (_, at) =>
        step.fold(at).integer(0, learned.images.length),
      );
      return toTensor(rows.map((row) => learned.images[row]));
    },
    evaluate: async (autoencoder) => {
      const decoded = inBatches(judged.images, (pictures) =>
        autoencoder.decode(autoencoder.encode(pictures)),
      );
      const pass = await shareCorrect(decoded, judged.prompts);
      decoded.dispose();
      return { pass };
    },
  });
  const found = await pretrain(task, {
    ...options,
    folder,
    signal,
    onProgress,
    settings: { config, batchSize, latentNoise, pictures },
  });
  const latents = inBatches(learned.images.slice(0, USUAL), (pictures) => task.encode(pictures));
  return { task, found, latents };
}
