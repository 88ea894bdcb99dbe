import { showValue } from './show-value';

/** A picture as bytes: red, green, blue for each pixel, row by row from the top left. */
export interface PixelImage {
  /** Pixels in a row. */
  width: number;
  /** Number of rows. */
  height: number;
  channels: 3;
  /** `width * height * 3` values from 0 to 255. */
  data: Uint8Array;
}

/** Throws when a value would wrap round. */
function requireBytes(data: ArrayLike<number>): void {
  const wrong = Array.prototype.findIndex.call(data, (value) => !(value >= 0 && value <= 255));
  if (wrong < 0) return;
  throw new Error(
    `Cannot make a picture as its values must be from 0 to 255: current value at ${wrong} is ${showValue(data[wrong])}`,
  );
}

/**
 * Makes a picture from bytes.
 *
 * @param data From 0 to 255 each; what is not whole is cut off.
 * @throws When the number of bytes is not `width * height * 3`, or a value lies outside of its range.
 * @example
 * const image = pixelImage(2, 1, [255, 0, 0, 0, 0, 255]); // a red and a blue pixel
 */
export function pixelImage(width: number, height: number, data: ArrayLike<number>): PixelImage {
  if (data.length !== width * height * 3) {
    throw new Error(
      `Cannot make a picture of ${width} x ${height} pixels as it takes ${width * height * 3} bytes: current number is ${data.length}`,
    );
  }
  if (!(data instanceof Uint8Array)) requireBytes(data);
  return { width, height, channels: 3, data: Uint8Array.from(data) };
}
