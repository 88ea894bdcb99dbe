import { readFile, writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import sharp from 'sharp';
import { pixelImage, type PixelImage } from '../core/pixel-image';
import { readProblem } from './read-problem';
import { writeProblem } from './write-problem';

function open({ width, height, channels, data }: PixelImage): sharp.Sharp {
  return sharp(data, { raw: { width, height, channels } });
}

/**
 * Encodes a picture as PNG.
 *
 * @example
 * const bytes = await toPng(pixelImage(1, 1, [255, 0, 0]));
 */
export function toPng(image: PixelImage): Promise<Buffer> {
  return open(image).png().toBuffer();
}

/**
 * Encodes a picture as JPEG, with colours at half resolution as Pillow does by default.
 *
 * @param options.quality 1 to 100. Default 95.
 */
export function toJpeg(image: PixelImage, { quality = 95 } = {}): Promise<Buffer> {
  return open(image).jpeg({ quality, chromaSubsampling: '4:2:0' }).toBuffer();
}

/** What is decoded: pictures of pixels. An SVG could name other files and addresses. */
const FORMATS = ['png', 'jpeg', 'webp', 'gif', 'tiff', 'heif'];

/** Most pixels of a picture, as many as 8192 x 8192 have: a few bytes can ask for terabytes. */
const MOST_PIXELS = 2 ** 26;

/**
 * Decodes PNG, JPEG, WebP, GIF, TIFF or AVIF; transparency is laid on white.
 *
 * @param what For messages. Default `a picture`.
 * @throws When it is of another format, damaged, or has more than 67 million pixels.
 */
export async function decodeImage(bytes: Uint8Array, what = 'a picture'): Promise<PixelImage> {
  try {
    const image = sharp(bytes, { limitInputPixels: MOST_PIXELS });
    const { format } = await image.metadata();
    if (!FORMATS.includes(format)) {
      throw new Error(`its format must be ${FORMATS.join(', ')}: current value is ${format}`);
    }
    const { data, info } = await image
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    return pixelImage(info.width, info.height, data);
  } catch (error) {
    throw new Error(
      `Cannot read ${what} as it must be a whole picture: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  }
}

/**
 * Reads a picture from a file, as `decodeImage` reads bytes.
 *
 * @throws When the file cannot be read, or holds no picture.
 *
 * @example
 * await writeImage('red.png', pixelImage(1, 1, [255, 0, 0]));
 * (await readImage('red.png')).width; // 1
 */
export async function readImage(path: string): Promise<PixelImage> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw readProblem(path, error);
  }
  return decodeImage(bytes, `"${path}"`);
}

/**
 * Writes a picture to a `.png`, `.jpg` or `.jpeg` file.
 *
 * @throws When the name ends otherwise, or the operating system refuses.
 *
 * @example
 * await writeImage('red.png', pixelImage(1, 1, [255, 0, 0]));
 * (await readImage('red.png')).data; // [255, 0, 0]
 */
export async function writeImage(path: string, image: PixelImage): Promise<void> {
  const extension = extname(path).toLowerCase();
  if (!['.png', '.jpg', '.jpeg'].includes(extension)) {
    throw new Error(
      `Cannot write a picture as the name must end in .png, .jpg or .jpeg: current value is "${path}"`,
    );
  }
  const bytes = await (extension === '.png' ? toPng(image) : toJpeg(image));
  try {
    await writeFile(path, bytes);
  } catch (error) {
    throw writeProblem(`"${path}"`, error);
  }
}
