import type { RolloutPipeline, RolloutTensors } from '../pipelines';
import { tf } from '../tensorflow';
import { EMBEDDING_FIELDS } from '../training/embedding-fields';
import type { PartEmbeddings, RolledOutPart, RolloutPart } from '../training/rollout-part';
import type { RolloutSchedule, ServedPicture } from './rollout-protocol';

/** What encodes pictures whose latents a server does not send. */
export type PictureEncoder = Pick<RolloutPipeline, 'encodeImages'>;

/**
 * The part that a server's pictures are: their latents, log-probabilities and times, and the embeddings that the trainer made.
 * The caller owns the tensors.
 */
export function joinPart(
  part: RolloutPart,
  pictures: readonly ServedPicture[],
  schedule: RolloutSchedule,
  encoder: PictureEncoder,
): RolledOutPart {
  const embeddings = part.embeddings();
  const tensors: Record<string, tf.Tensor | null> = {};
  for (const [name, field] of Object.entries(EMBEDDING_FIELDS)) {
    const tensor = embeddings[name as keyof PartEmbeddings];
    if (tensor !== null || !field.includes('pooled')) tensors[field] = tensor;
  }
  const { window, noiseLevel } = part.settings;
  const times = Array.from(schedule.timesteps.subarray(...window));
  const rows = <Row>(row: Row) => pictures.map(() => row);
  tensors.all_timesteps = tf.tensor2d(rows(times));
  tensors.all_log_probs = logProbsOf(pictures);
  tensors.all_latents = latentsOf(pictures);
  if (noiseLevel === 0) {
    tensors.train_timesteps = tf.tensor2d(rows(Array.from(schedule.timesteps)));
    tensors.latents_clean =
      tensors.all_latents === null
        ? encoded(pictures, encoder)
        : tf.tidy(() => lastState(tensors.all_latents as tf.Tensor));
  }
  return {
    // Latents of the trajectory are missing where a server sends pictures alone: objectives on noised data do not read them.
    tensors: tensors as RolloutTensors,
    images: pictures.map(({ image }) => image),
  };
}

function lastState(allLatents: tf.Tensor): tf.Tensor {
  const [, states] = allLatents.shape as number[];
  return tf.gather(allLatents, states - 1, 1);
}

function logProbsOf(pictures: readonly ServedPicture[]): tf.Tensor | null {
  const rows = pictures.flatMap(({ logProbs }) =>
    logProbs === null ? [] : [Array.from(logProbs)],
  );
  return rows.length === 0 ? null : tf.tensor2d(rows);
}

/** (B, W + 1, ...) */
function latentsOf(pictures: readonly ServedPicture[]): tf.Tensor | null {
  const all = pictures.flatMap(({ latents }) => (latents === null ? [] : [latents]));
  if (all.length === 0) return null;
  const values = new Float32Array(all.length * all[0].values.length);
  all.forEach((one, at) => values.set(one.values, at * one.values.length));
  return tf.tensor(values, [all.length, ...all[0].shape]);
}

/** Clean latents of pictures (B, ...). */
function encoded(pictures: readonly ServedPicture[], encoder: PictureEncoder): tf.Tensor {
  return tf.tidy(() => {
    const [{ image }] = pictures;
    const levels = tf.stack(
      pictures.map(({ image: { height, width, data } }) =>
        tf.tensor3d(Float32Array.from(data), [height, width, 3]),
      ),
    );
    const fromMinusOne = levels.div(127.5).sub(1).transpose([0, 3, 1, 2]);
    return encoder.encodeImages(fromMinusOne.reshape([-1, 3, image.height, image.width]));
  });
}
