import { dataUrl, enlarge, type Pixels } from '../rendering/encode-png';
import { fitPrincipalColours } from './principal-colours';
import type { LatentStates } from './unpack-latents';

/** Vermilion below zero, near-white at zero, blue above: distinct in every common colour blindness. */
const below = [213, 94, 0];
const zero = [247, 248, 249];
const above = [0, 114, 178];

/** A tile is drawn with at most so many pixels a side, to keep a notebook small. */
const mostPixels = 64;

/** A plane as a picture; values of plus and minus `limit` and beyond have full colour, NaN is black. */
export function planePixels(
  plane: Float32Array,
  width: number,
  height: number,
  limit: number,
): Pixels {
  const small = shrink(plane, width, height);
  const data = new Uint8Array(small.values.length * 3);
  small.values.forEach((value, index) => {
    const share = Math.min(1, Math.abs(value) / limit);
    const end = value < 0 ? below : above;
    for (let c = 0; c < 3; c++) {
      data[index * 3 + c] = Number.isFinite(share)
        ? Math.round(zero[c] + share * (end[c] - zero[c]))
        : 0;
    }
  });
  return { width: small.width, height: small.height, data };
}

/** The states' contents as colours, by principal components fitted to the last state; one picture a state. */
export function principalPixels(latents: LatentStates, states: readonly number[]): Pixels[] {
  const pixels = states.map((state) => {
    const planes = Array.from({ length: latents.channels }, (_, channel) =>
      shrink(latents.plane(state, channel), latents.width, latents.height),
    );
    return {
      width: planes[0].width,
      height: planes[0].height,
      vectors: Array.from(planes[0].values, (_, i) =>
        Float32Array.from(planes, (plane) => plane.values[i]),
      ),
    };
  });
  const colours = fitPrincipalColours(pixels[pixels.length - 1].vectors);
  return pixels.map(({ width, height, vectors }) => ({
    width,
    height,
    data: Uint8Array.from(vectors.flatMap((vector) => colours.colour(vector))),
  }));
}

/** A picture of a plane as a data URL, enlarged so that it stays sharp. */
export function tileUrl(pixels: Pixels): string {
  return dataUrl(
    enlarge(pixels, Math.max(1, Math.floor(mostPixels / Math.max(pixels.width, pixels.height)))),
  );
}

/** The mean of whole blocks, so that no side exceeds `mostPixels`. */
function shrink(plane: Float32Array, width: number, height: number) {
  const block = Math.ceil(Math.max(width, height) / mostPixels);
  if (block === 1) return { width, height, values: plane };
  const outWidth = Math.ceil(width / block);
  const outHeight = Math.ceil(height / block);
  const values = new Float32Array(outWidth * outHeight);
  const counts = new Float32Array(outWidth * outHeight);
  plane.forEach((value, index) => {
    const x = Math.floor((index % width) / block);
    const y = Math.floor(index / width / block);
    values[y * outWidth + x] += value;
    counts[y * outWidth + x] += 1;
  });
  return { width: outWidth, height: outHeight, values: values.map((sum, i) => sum / counts[i]) };
}
