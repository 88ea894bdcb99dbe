import {
  BACKGROUND,
  PICTURE_SIDE,
  PROMPT_KINDS,
  RandomKey,
  judgePictures,
  renderPrompt,
  tf,
  toPixelImages,
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

/** Pictures that go through at once when nothing is learned. */
const BATCH = 64;

/** Makes a tensor (N, ...) of what `make` makes of pictures (B, H, W, 3), some of them at a time. The caller owns it. */
export function inBatches<Made extends tf.Tensor>(
  images: readonly PixelImage[],
  make: (pictures: tf.Tensor4D) => Made,
): Made {
  return tf.tidy(() => {
    const starts = Array.from({ length: Math.ceil(images.length / BATCH) }, (_, at) => at * BATCH);
    return tf.concat(
      starts.map((at) => tf.tidy(() => make(toTensor(images.slice(at, at + BATCH))))),
    ) as Made;
  });
}

/** Share of decoded pictures (B, H, W, 3) that show their prompts. */
export async function shareCorrect(
  decoded: tf.Tensor4D,
  prompts: readonly ShapesPrompt[],
): Promise<number> {
  const pictures = tf.transpose(decoded, [0, 3, 1, 2]);
  const verdicts = judgePictures(await toPixelImages(pictures), [...prompts]);
  pictures.dispose();
  return verdicts.filter(({ correct }) => correct).length / prompts.length;
}
