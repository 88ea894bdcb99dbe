import type { PixelImage } from '../../core/pixel-image';

/** Ink differs from the ground by at least this, as a distance between colours in levels. */
const LEAST_INK_DISTANCE = 80;
/** And by this share of what differs most, so that soft edges are cut in their middle. */
const INK_SHARE = 0.5;

/** A connected patch of ink: its box, and the pixels in it. */
export interface InkPatch {
  left: number;
  top: number;
  width: number;
  height: number;
  area: number;
  /** Whether a pixel of the picture belongs to it. */
  has(column: number, row: number): boolean;
}

/** The ground's colour: the median of each channel along the border. */
function groundOf({ width, height, data }: PixelImage): number[] {
  const border: number[] = [];
  for (let column = 0; column < width; column++) border.push(column, (height - 1) * width + column);
  for (let row = 0; row < height; row++) border.push(row * width, row * width + width - 1);
  return [0, 1, 2].map((channel) => {
    const levels = border.map((pixel) => data[3 * pixel + channel]).sort((a, b) => a - b);
    return levels[levels.length >> 1];
  });
}

/** The 8-connected patches of what differs from the ground, from left to right. */
export function inkPatches(image: PixelImage): InkPatch[] {
  const { width, height, data } = image;
  const [red, green, blue] = groundOf(image);
  const distances = new Float64Array(width * height);
  for (let pixel = 0; pixel < distances.length; pixel++) {
    distances[pixel] = Math.sqrt(
      (data[3 * pixel] - red) ** 2 +
        (data[3 * pixel + 1] - green) ** 2 +
        (data[3 * pixel + 2] - blue) ** 2,
    );
  }
  const largest = distances.reduce((most, distance) => Math.max(most, distance), 0);
  const least = Math.max(LEAST_INK_DISTANCE, INK_SHARE * largest);
  const isInk = Uint8Array.from(distances, (distance) => (distance >= least ? 1 : 0));
  const owner = new Int32Array(width * height);
  const patches: InkPatch[] = [];
  for (let pixel = 0; pixel < isInk.length; pixel++) {
    if (isInk[pixel] === 0 || owner[pixel] !== 0) continue;
    patches.push(takePatch(isInk, owner, [width, height], pixel, patches.length + 1));
  }
  return patches.sort((a, b) => a.left - b.left || a.top - b.top);
}

function takePatch(
  isInk: Uint8Array,
  owner: Int32Array,
  [width, height]: [number, number],
  start: number,
  name: number,
): InkPatch {
  const queue = [start];
  owner[start] = name;
  let [left, right, top, bottom] = [Infinity, 0, Infinity, 0];
  for (let at = 0; at < queue.length; at++) {
    const column = queue[at] % width;
    const row = (queue[at] - column) / width;
    [left, right] = [Math.min(left, column), Math.max(right, column)];
    [top, bottom] = [Math.min(top, row), Math.max(bottom, row)];
    for (let y = Math.max(0, row - 1); y <= Math.min(height - 1, row + 1); y++) {
      for (let x = Math.max(0, column - 1); x <= Math.min(width - 1, column + 1); x++) {
        const neighbor = y * width + x;
        if (isInk[neighbor] === 0 || owner[neighbor] !== 0) continue;
        owner[neighbor] = name;
        queue.push(neighbor);
      }
    }
  }
  return {
    left,
    top,
    width: right - left + 1,
    height: bottom - top + 1,
    area: queue.length,
    has: (column, row) => owner[row * width + column] === name,
  };
}
