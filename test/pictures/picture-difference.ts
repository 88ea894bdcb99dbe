import sharp from 'sharp';

/** A picture as pixels, on white. */
export interface Pixels {
  width: number;
  height: number;
  /** RGBA, row by row. */
  data: Uint8Array;
}

/** Reads a PNG. */
export async function readPixels(png: Buffer | string): Promise<Pixels> {
  const image = sharp(png).flatten({ background: '#ffffff' }).ensureAlpha();
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data: new Uint8Array(data) };
}

/** Of 32 x 32 pixels, so many may differ: a stroke's edge that another processor rounds otherwise, and no more. */
const MOST_OF_A_WINDOW = 40;

/**
 * How a picture that the same program and font drew differs from a kept one; empty where it does not. Both must have one
 * size; pixels differ when their OKLab distance is above 0.1 and they are not the edge of a stroke (pixelmatch); and no
 * window of 32 x 32 pixels may have more than 40 that do.
 */
export async function pixelDifference(one: Pixels, kept: Pixels): Promise<string> {
  const sizes = [one, kept].map(({ width, height }) => `${width} x ${height}`);
  if (sizes[0] !== sizes[1]) return `it has ${sizes[0]} pixels, the kept one ${sizes[1]}`;
  const { default: pixelmatch } = await import('pixelmatch');
  const { width, height } = one;
  const worst = pixelmatch(one.data, kept.data, null, width, height, { windowSize: 32 });
  return worst > MOST_OF_A_WINDOW ? `${worst} pixels of a window of 32 x 32 differ` : '';
}

/** Cells of the coarse picture, along its longer side. */
const CELLS = 48;
/** A cell's colour is found again when one in reach is so near, of 255 in each channel. */
const NEAR = 36;
/** Text moves by so many cells when it is set in another font. */
const REACH = 1;
const MOST_LOST = 0.03;

/**
 * How a picture that another program drew, in another font, differs from a kept one; empty where it does not. Both are reduced
 * to 48 cells along the longer side, where text is a grey haze and lines, bars and pictures keep their places and hues. A cell
 * is lost when no cell beside it in the other picture has a colour within 36 of 255; at most 3 % may be lost either way, and
 * the ratio of the sides may differ by a tenth.
 */
export async function structureDifference(one: Pixels, kept: Pixels): Promise<string> {
  const [ratio, keptRatio] = [one, kept].map(({ width, height }) => width / height);
  if (Math.abs(ratio / keptRatio - 1) > 0.1) {
    return `its sides are as ${ratio.toFixed(2)}, the kept one's as ${keptRatio.toFixed(2)}`;
  }
  const scale = CELLS / Math.max(kept.width, kept.height);
  const width = Math.max(1, Math.round(kept.width * scale));
  const height = Math.max(1, Math.round(kept.height * scale));
  const cells = await Promise.all([one, kept].map((picture) => coarse(picture, width, height)));
  const lost = [
    lostCells(cells[0], cells[1], width, height),
    lostCells(cells[1], cells[0], width, height),
  ].map((count) => count / (width * height));
  const worst = Math.max(...lost);
  return worst > MOST_LOST ? `${(100 * worst).toFixed(1)} % of its cells are lost` : '';
}

async function coarse({ data, ...raw }: Pixels, width: number, height: number) {
  const image = sharp(data, { raw: { width: raw.width, height: raw.height, channels: 4 } });
  return image.removeAlpha().resize(width, height, { fit: 'fill' }).raw().toBuffer();
}

/** Cells of `from` that have no like in reach in `to`. */
function lostCells(from: Buffer, to: Buffer, width: number, height: number): number {
  const isNear = (at: number, other: number) =>
    [0, 1, 2].every(
      (channel) => Math.abs(from[3 * at + channel] - to[3 * other + channel]) <= NEAR,
    );
  let lost = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let isFound = false;
      for (let dy = -REACH; dy <= REACH; dy++) {
        for (let dx = -REACH; dx <= REACH; dx++) {
          const [row, column] = [y + dy, x + dx];
          if (row < 0 || row >= height || column < 0 || column >= width) continue;
          isFound ||= isNear(y * width + x, row * width + column);
        }
      }
      if (!isFound) lost += 1;
    }
  }
  return lost;
}
