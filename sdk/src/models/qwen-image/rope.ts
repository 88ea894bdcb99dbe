import { tf } from '../../tensorflow';
import type { RotaryFactors } from '../layers';

const THETA = 10000;
/** Positions for which the reference has a table: -4096 to 4095. */
const TABLE_SIZE = 4096;

/** An image's grid of patches. */
export type ImageShape = readonly [frames: number, height: number, width: number];

/** What places tokens in space. */
export interface RopeOptions {
  /** Width of the frame, height and width axes; their sum is the head's width. */
  axesDimsRope: readonly number[];
  /** Put position 0 in the middle of an image. Default true, as Qwen-Image has it. */
  scaleRope?: boolean;
  /** Layered images: the last one is the condition and sits at frame -1 (`use_layer3d_rope`). Default false. */
  layer3d?: boolean;
}

/** Cosines and sines as plain numbers, (tokens, D/2) row by row. */
export interface RopeAngles {
  img: { cos: Float32Array; sin: Float32Array };
  txt: { cos: Float32Array; sin: Float32Array };
}

/**
 * Rotary factors of Qwen-Image (arXiv 2508.02324, section 2.4, and diffusers' QwenEmbedRope): each token has a frame, a
 * height and a width position. An image's index is its frame position; rows and columns count from the centre; the text
 * stands on the diagonal after the largest image, from max(height / 2, width / 2).
 *
 * @param shapes The images of one row, one after the other.
 * @param textLength Number of text tokens.
 * @returns `img` (sum of frames * height * width, D/2) and `txt` (textLength, D/2).
 * @throws When a position leaves the table of 4096.
 */
export function qwenRotaryFactors(
  shapes: readonly ImageShape[],
  textLength: number,
  options: RopeOptions,
): { img: RotaryFactors; txt: RotaryFactors } {
  const { img, txt } = qwenRotaryAngles(shapes, textLength, options);
  const half = options.axesDimsRope.reduce((sum, size) => sum + size / 2, 0);
  const factors = ({ cos, sin }: RopeAngles['img']): RotaryFactors => {
    const shape: [number, number] = [cos.length / half, half];
    return { cos: tf.tensor2d(cos, shape), sin: tf.tensor2d(sin, shape) };
  };
  return { img: factors(img), txt: factors(txt) };
}

/** The numbers of `qwenRotaryFactors`, without tensors. */
function qwenRotaryAngles(
  shapes: readonly ImageShape[],
  textLength: number,
  { axesDimsRope, scaleRope = true, layer3d = false }: RopeOptions,
): RopeAngles {
  const frequencies = axesDimsRope.map(axisFrequencies);
  const first = (length: number) => (scaleRope ? Math.floor(length / 2) - length : 0);
  const imagePositions: number[][] = [];
  let textStart = layer3d ? shapes.length - 1 : 0;
  shapes.forEach(([frames, height, width], index) => {
    const firstFrame = layer3d && index === shapes.length - 1 ? -1 : index;
    for (let frame = 0; frame < frames; frame++) {
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          imagePositions.push([firstFrame + frame, first(height) + y, first(width) + x]);
        }
      }
    }
    const divisor = scaleRope ? 2 : 1;
    textStart = Math.max(textStart, Math.floor(height / divisor), Math.floor(width / divisor));
  });
  const textPositions = Array.from({ length: textLength }, (_, index) =>
    frequencies.map(() => textStart + index),
  );
  return {
    img: cosineAndSine(imagePositions, frequencies),
    txt: cosineAndSine(textPositions, frequencies),
  };
}

/** theta^(-2i / size) for i < size / 2, in float32 as the reference computes it. */
function axisFrequencies(size: number): Float32Array {
  return Float32Array.from(
    { length: size / 2 },
    (_, index) => 1 / Math.fround(THETA ** Math.fround((2 * index) / size)),
  );
}

function cosineAndSine(
  positions: readonly (readonly number[])[],
  frequencies: readonly Float32Array[],
): { cos: Float32Array; sin: Float32Array } {
  const half = frequencies.reduce((sum, { length }) => sum + length, 0);
  const cos = new Float32Array(positions.length * half);
  const sin = new Float32Array(positions.length * half);
  let at = 0;
  for (const token of positions) {
    frequencies.forEach((axis, index) => {
      const position = token[index];
      if (position < -TABLE_SIZE || position >= TABLE_SIZE) {
        throw new Error(
          `Cannot place a token as positions must be from -${TABLE_SIZE} to ${TABLE_SIZE - 1}: current value is ${position}`,
        );
      }
      for (const frequency of axis) {
        const angle = Math.fround(position * frequency);
        cos[at] = Math.cos(angle);
        sin[at++] = Math.sin(angle);
      }
    });
  }
  return { cos, sin };
}
