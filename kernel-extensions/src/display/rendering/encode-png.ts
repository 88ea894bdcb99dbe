import { deflateSync } from 'node:zlib';

/** Rows of red, green, blue bytes. */
export interface Pixels {
  width: number;
  height: number;
  data: Uint8Array;
}

/** Encodes pixels as PNG (8-bit RGB, no interlace; PNG specification, W3C 2003, chapters 5 to 11). */
export function encodePng({ width, height, data }: Pixels): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const stride = width * 3;
  // Filter 2 (up): enlarged pixels repeat whole rows, which become zeros and pack well.
  const rows = Buffer.alloc(height * (stride + 1));
  for (let y = 0; y < height; y++) {
    const at = y * (stride + 1);
    rows[at] = 2;
    for (let x = 0; x < stride; x++) {
      const above = y === 0 ? 0 : data[(y - 1) * stride + x];
      rows[at + 1 + x] = data[y * stride + x] - above;
    }
  }
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** A picture as a data URL. */
export function dataUrl(pixels: Pixels): string {
  return `data:image/png;base64,${encodePng(pixels).toString('base64')}`;
}

/** Enlarges each pixel to a square of `factor` pixels a side, so that it stays sharp in any viewer. */
export function enlarge({ width, height, data }: Pixels, factor: number): Pixels {
  const out = new Uint8Array(width * height * 3 * factor * factor);
  const stride = width * factor * 3;
  for (let y = 0; y < height; y++) {
    const first = y * factor * stride;
    for (let x = 0; x < width * factor; x++) {
      const from = (y * width + Math.floor(x / factor)) * 3;
      out.set(data.subarray(from, from + 3), first + x * 3);
    }
    for (let copy = 1; copy < factor; copy++) {
      out.copyWithin(first + copy * stride, first, first + stride);
    }
  }
  return { width: width * factor, height: height * factor, data: out };
}

/** Reduces a picture to `factor` (below 1) of its size, each pixel the mean of those it covers. */
export function reduce({ width, height, data }: Pixels, factor: number): Pixels {
  const outWidth = Math.max(1, Math.round(width * factor));
  const outHeight = Math.max(1, Math.round(height * factor));
  const out = new Uint8Array(outWidth * outHeight * 3);
  for (let y = 0; y < outHeight; y++) {
    const [top, bottom] = span(y, outHeight, height);
    for (let x = 0; x < outWidth; x++) {
      const [left, right] = span(x, outWidth, width);
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let v = top; v < bottom; v++) {
          for (let u = left; u < right; u++) sum += data[(v * width + u) * 3 + c];
        }
        out[(y * outWidth + x) * 3 + c] = Math.round(sum / ((bottom - top) * (right - left)));
      }
    }
  }
  return { width: outWidth, height: outHeight, data: out };
}

/** The source pixels that a reduced pixel covers. */
function span(index: number, count: number, size: number): [from: number, to: number] {
  const from = Math.floor((index * size) / count);
  return [from, Math.max(from + 1, Math.floor(((index + 1) * size) / count))];
}

function chunk(type: string, content: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(content.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}

const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

function crc32(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = crcTable[(crc ^ byte) & 255] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
