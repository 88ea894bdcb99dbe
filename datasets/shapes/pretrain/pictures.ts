import {
  BACKGROUND,
  PICTURE_SIDE,
  PROMPT_KINDS,
  RandomKey,
  judgePicture,
  renderPrompt,
  tf,
  type PixelImage,
  type ShapesPrompt,
} from '@flowbook/sdk';

/** Empty ground, from -1 to 1. */
export const GROUND = BACKGROUND.map((level) => level / 127.5 - 1);

/** Pictures with the prompt that each shows. */
export interface DrawnPictures {
  images: PixelImage[];
  prompts: ShapesPrompt[];
}

/** Draws pictures, of each kind of prompt equally many. */
export function drawPictures(
  prompts: readonly ShapesPrompt[],
  count: number,
  key: RandomKey,
): DrawnPictures {
  const byKind = PROMPT_KINDS.map((kind) => prompts.filter((prompt) => prompt.kind === kind));
  const drawn = Array.from({ length: count }, (_, at) => {
    const draw = key.fold(at);
    const list = byKind[at % byKind.length];
    const prompt = list[draw.fold('prompt').integer(0, list.length)];
    return { prompt, image: renderPrompt(prompt, draw.fold('picture')) };
  });
  return { images: drawn.map(({ image }) => image), prompts: drawn.map(({ prompt }) => prompt) };
}

/** Pictures as a tensor (B, H, W, 3) from -1 to 1. */
export function toTensor(images: readonly PixelImage[]): tf.Tensor4D {
  const size = 3 * PICTURE_SIDE ** 2;
  const values = new Float32Array(images.length * size);
  images.forEach(({ data }, at) => {
    for (let index = 0; index < size; index++) values[at * size + index] = data[index] / 127.5 - 1;
  });
  return tf.tensor4d(values, [images.length, PICTURE_SIDE, PICTURE_SIDE, 3]);
}

/** Share of decoded pictures (B, H, W, 3) that show their prompts. */
export function shareCorrect(decoded: tf.Tensor4D, prompts: readonly ShapesPrompt[]): number {
  const bytes = tf.tidy(() => tf.clipByValue(tf.round(tf.mul(tf.add(decoded, 1), 127.5)), 0, 255));
  const values = Uint8Array.from(bytes.dataSync());
  bytes.dispose();
  const size = 3 * PICTURE_SIDE ** 2;
  const right = prompts.filter((prompt, at) => {
    const data = values.subarray(at * size, (at + 1) * size);
    const image = { width: PICTURE_SIDE, height: PICTURE_SIDE, channels: 3, data } as const;
    return judgePicture(image, prompt).correct;
  });
  return right.length / prompts.length;
}
