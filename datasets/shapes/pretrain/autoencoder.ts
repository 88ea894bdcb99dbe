import { join } from 'node:path';
import {
  AutoencoderTask,
  RandomKey,
  loadShapesPrompts,
  pretrain,
  tf,
  type PretrainingOptions,
} from '@flowbook/sdk';
import { GROUND, drawPictures, shareCorrect, toTensor } from './pictures';

/** What pre-training an autoencoder of the shapes world takes. */
export interface AutoencoderSettings {
  config: Record<string, unknown>;
  batchSize: number;
  latentNoise: number;
  /** Different pictures to learn from. */
  pictures: number;
  options: Omit<PretrainingOptions, 'folder' | 'signal' | 'onProgress' | 'settings'>;
}

/** Pictures that are encoded and judged at each evaluation. */
const JUDGED = 480;
const BATCH = 80;

/** Pre-trains an autoencoder. @returns The task, which holds the weights, and the share of pictures that pass. */
export async function pretrainAutoencoder(
  settings: AutoencoderSettings,
  folder: string,
  onProgress: PretrainingOptions['onProgress'],
  signal: AbortSignal,
): Promise<{ task: AutoencoderTask; found: Record<string, number> }> {
  const { config, batchSize, latentNoise, pictures, options } = settings;
  const key = RandomKey.fromSeed(options.seed);
  const prompts = loadShapesPrompts(join(__dirname, '..', 'train.jsonl'));
  const learned = drawPictures(prompts, pictures, key.fold('pictures'));
  const judged = drawPictures(prompts, JUDGED, key.fold('judged'));
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
      let right = 0;
      for (let at = 0; at < JUDGED; at += BATCH) {
        const decoded = tf.tidy(() =>
          autoencoder.decode(autoencoder.encode(toTensor(judged.images.slice(at, at + BATCH)))),
        );
        right += BATCH * shareCorrect(decoded, judged.prompts.slice(at, at + BATCH));
        decoded.dispose();
      }
      return { pass: right / JUDGED };
    },
  });
  const found = await pretrain(task, {
    ...options,
    folder,
    signal,
    onProgress,
    settings: { config, batchSize, latentNoise, pictures },
  });
  return { task, found };
}
