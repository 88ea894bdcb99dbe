import { refuse } from '../refuse';
import { readNumbers, type TensorLike } from '../tensor-like';

const action = 'draw latents';

/** Latents of one sample at every kept state of its trajectory, as planes. */
export interface LatentStates {
  states: number;
  channels: number;
  height: number;
  width: number;
  /** The plane of a channel at a state, row by row. */
  plane(state: number, channel: number): Float32Array;
}

/**
 * Latents as planes. `(B, T, C, h, w)` and `(B, T, C, 1, h, w)` are planes already. `(B, T, S, 4c)`
 * are Qwen-Image's packed tokens: each of the S tokens holds c channels of a 2 x 2 patch in the order
 * (channel, row, column), tokens row by row (diffusers, `QwenImagePipeline._pack_latents`).
 *
 * @param grid rows and columns of tokens; default the squarest that gives S.
 * @throws if the shape is none of these.
 */
export function unpackLatents(
  latents: TensorLike,
  sample: number,
  grid?: readonly [rows: number, columns: number],
): LatentStates {
  const { shape } = latents;
  const [batch, states] = shape;
  if (shape.length < 4 || shape.length > 6) {
    refuse(action, 'their shape must be (B, T, S, C) or (B, T, C, h, w)', `(${shape.join(', ')})`);
  }
  if (!(sample >= 0 && sample < batch)) refuse(action, `sample must be 0 to ${batch - 1}`, sample);
  const numbers = readNumbers(latents);
  const size = shape.slice(2).reduce((product, side) => product * side, 1);
  const start = (state: number) => (sample * states + state) * size;

  if (shape.length > 4) {
    const [channels] = shape.slice(2);
    const width = shape[shape.length - 1];
    const area = size / channels;
    // More frames than one are drawn below each other.
    return {
      states,
      channels,
      height: area / width,
      width,
      plane: (state, channel) => {
        const from = start(state) + channel * area;
        return Float32Array.from({ length: area }, (_, i) => numbers[from + i]);
      },
    };
  }

  const [tokens, packed] = shape.slice(2);
  const [rows, columns] = grid ?? squarest(tokens);
  if (rows * columns !== tokens) {
    refuse(action, `grid must hold ${tokens} tokens`, `${rows} x ${columns}`);
  }
  const patch = packed % 4 === 0 ? 2 : 1;
  const channels = packed / (patch * patch);
  const width = columns * patch;
  const height = rows * patch;
  return {
    states,
    channels,
    height,
    width,
    plane: (state, channel) => {
      const out = new Float32Array(width * height);
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const token = Math.floor(y / patch) * columns + Math.floor(x / patch);
          const inside = (channel * patch + (y % patch)) * patch + (x % patch);
          out[y * width + x] = numbers[start(state) + token * packed + inside];
        }
      }
      return out;
    },
  };
}

/** The factors of a count that are closest to each other. */
function squarest(count: number): [rows: number, columns: number] {
  let rows = Math.floor(Math.sqrt(count));
  while (rows > 1 && count % rows !== 0) rows -= 1;
  return [Math.max(1, rows), count / Math.max(1, rows)];
}
