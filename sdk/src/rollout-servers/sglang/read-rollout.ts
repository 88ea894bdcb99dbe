import { Decoder } from '@msgpack/msgpack';
import { pixelImage, type PixelImage } from '../../core/pixel-image';
import { showValue } from '../../core/show-value';
import type { PictureRequest, ServedAnswer, ServedPicture } from '../rollout-protocol';
import { readWireTensor, type Floats } from './wire-tensor';

/** The shape of a picture's latents, by its height and width in pixels. */
export type LatentShape = (height: number, width: number) => number[];

/** How far a server's noise levels may lie from the trainer's. */
const SIGMA_TOLERANCE = 1e-4;

/** Most entries of a list or an object in an answer. */
const MOST_ENTRIES = 65_536;

/** A picture in an answer. Fields that are not read are left out. */
interface Sample {
  generated_output?: unknown;
  rollout_log_probs?: unknown;
  dit_trajectory?: {
    latents?: unknown;
    sigmas?: unknown;
    latent_step_indices?: unknown;
  } | null;
  inference_time_s?: unknown;
}

/**
 * The pictures of an answer of `/rollout/generate`: a list in MessagePack, one entry a picture.
 *
 * @throws When it is of another form, its noise levels are not the trainer's, or numbers are not finite.
 */
export function readRollout(
  served: ServedAnswer,
  latentShape: LatentShape,
): { pictures: ServedPicture[]; busySeconds: number | null } {
  const { server, request } = served;
  const samples = samplesIn(served);
  if (samples.length !== request.count) {
    throw new Error(
      `Cannot read a rollout of ${server} as it must have one entry for each of ${request.count} pictures: current value is ${samples.length}`,
    );
  }
  const pictures = samples.map((sample, at) => {
    const what = `picture ${at} in a rollout of ${server}`;
    const trajectory = sample.dit_trajectory ?? {};
    checkSchedule(readWireTensor(trajectory.sigmas, `the noise levels of ${what}`), served, what);
    const latents = statesOf(trajectory, served.request, latentShape, what);
    const image = pictureOf(readWireTensor(sample.generated_output, what), request, what);
    return { image, latents, logProbs: logProbsOf(sample.rollout_log_probs, request, what) };
  });
  const { inference_time_s: seconds } = samples[0];
  return { pictures, busySeconds: typeof seconds === 'number' ? seconds : null };
}

function samplesIn({ answer: { contentType, bytes }, server }: ServedAnswer): Sample[] {
  if (!/^application\/(x-|vnd\.)?msgpack$/.test(contentType)) {
    throw new Error(
      `Cannot read a rollout of ${server} as its content type must be application/msgpack: current value is ${contentType || 'none'}`,
    );
  }
  let value: unknown;
  try {
    const limits = { maxArrayLength: MOST_ENTRIES, maxMapLength: MOST_ENTRIES };
    value = new Decoder(limits).decode(bytes);
  } catch (error) {
    throw new Error(
      `Cannot read a rollout of ${server} as it must be MessagePack: ${(error as Error).message}`,
      { cause: error },
    );
  }
  const isList = Array.isArray(value) && value.every((one) => typeof one === 'object' && one);
  if (!isList) {
    throw new Error(
      `Cannot read a rollout of ${server} as it must be a list of objects: current value is ${showValue(value)}`,
    );
  }
  return value as Sample[];
}

/** @throws When a server walks down other noise levels than the trainer: its log-probabilities would mean other steps. */
function checkSchedule({ values }: Floats, { schedule }: ServedAnswer, what: string): void {
  const { sigmas } = schedule;
  const differs = (sigma: number, at: number) => !(Math.abs(sigma - values[at]) <= SIGMA_TOLERANCE);
  const at = values.length === sigmas.length ? sigmas.findIndex(differs) : sigmas.length;
  if (at < 0) return;
  const found =
    values.length === sigmas.length
      ? `noise level ${at} is ${values[at]}, the trainer's is ${sigmas[at]}`
      : `it has ${values.length}, the trainer ${sigmas.length}`;
  throw new Error(
    `Cannot take ${what} as its noise levels must be the trainer's, within ${SIGMA_TOLERANCE}: ${found}`,
  );
}

/** (W + 1, ...): those that were asked for, or all of the walk, which older servers send. */
function statesOf(
  { latents, latent_step_indices: indices }: NonNullable<Sample['dit_trajectory']>,
  { settings }: PictureRequest,
  latentShape: LatentShape,
  what: string,
): Floats {
  const { window, numInferenceSteps, height, width } = settings;
  const [first, end] = window;
  const { shape, values } = readWireTensor(latents, `the latents of ${what}`);
  const expected = latentShape(height, width);
  const count = end - first + 1;
  const isWhole = shape[0] === numInferenceSteps + 1;
  const isShaped = shape.slice(1).join() === expected.join() && (isWhole || shape[0] === count);
  if (!isShaped) {
    throw new Error(
      `Cannot read the latents of ${what} as their shape must be (${[count, ...expected].join(', ')}), or (${[numInferenceSteps + 1, ...expected].join(', ')}): current value is (${shape.join(', ')})`,
    );
  }
  if (!isWhole && indices !== undefined && indices !== null) {
    const steps = Array.from(readWireTensor(indices, `the steps of ${what}`).values);
    const wanted = Array.from({ length: count }, (_, at) => first + at);
    if (steps.join() !== wanted.join()) {
      throw new Error(
        `Cannot read the latents of ${what} as they must be of steps ${wanted.join(', ')}: current value is ${steps.join(', ')}`,
      );
    }
  }
  const size = expected.reduce((product, side) => product * side, 1);
  const start = isWhole ? first * size : 0;
  return { shape: [count, ...expected], values: values.slice(start, start + count * size) };
}

/** (W) of the window's steps; null without noise. */
function logProbsOf(
  value: unknown,
  { settings }: PictureRequest,
  what: string,
): Float32Array | null {
  if (settings.noiseLevel === 0) return null;
  const { shape, values } = readWireTensor(value, `the log-probabilities of ${what}`);
  if (shape.join() !== String(settings.numInferenceSteps)) {
    throw new Error(
      `Cannot read the log-probabilities of ${what} as their shape must be (${settings.numInferenceSteps}): current value is (${shape.join(', ')})`,
    );
  }
  return values.slice(...settings.window);
}

/** From (3, H, W) or (3, 1, H, W), from 0 to 1. */
function pictureOf(
  { shape, values }: Floats,
  { settings: { height, width } }: PictureRequest,
  what: string,
): PixelImage {
  const sides = shape.length === 4 && shape[1] === 1 ? [shape[0], ...shape.slice(2)] : shape;
  if (sides.join() !== [3, height, width].join()) {
    throw new Error(
      `Cannot read ${what} as its shape must be (3, ${height}, ${width}) or (3, 1, ${height}, ${width}): current value is (${shape.join(', ')})`,
    );
  }
  const pixels = height * width;
  const bytes = new Uint8ClampedArray(3 * pixels);
  for (let channel = 0; channel < 3; channel++) {
    for (let pixel = 0; pixel < pixels; pixel++) {
      bytes[3 * pixel + channel] = 255 * values[channel * pixels + pixel];
    }
  }
  return pixelImage(width, height, bytes);
}
