import { dataUrl, enlarge, type Pixels, reduce } from './rendering/encode-png';

/** A series of pictures, or a channel, or a run: one picture a frame. */
export interface FramesTrack {
  name: string;
  /** A picture a frame, as PNG data URLs; null where a track has none. */
  urls: (string | null)[];
  /** A remark a frame, such as a caption. */
  notes?: string[];
}

/**
 * Pictures to go through one by one, as Flowbook's own MIME type: `application/vnd.flowbook.frames+json`. JupyterLab with
 * Flowbook's extension scrubs, zooms and compares them; every other viewer shows what else the bundle holds.
 */
export interface FramesDocument {
  version: 1;
  title: string;
  /** Alternative text. */
  description: string;
  /** What a frame is: `state`, `prompt`. */
  unit: string;
  /** A line a frame. */
  labels: string[];
  tracks: FramesTrack[];
  /** The frame that is shown first. */
  start: number;
}

/** Characters of all pictures of a document: half of what notebooks bear well, as the chart holds them too. */
const mostCharacters = 300_000;
/** Smaller pictures are enlarged so far, so that they stay sharp however a page scales them. */
const leastSide = 48;
const smallestSide = 16;

/**
 * Data URLs of pictures, all enlarged pixel by pixel to `side` at least, or reduced, until they fit beside a chart in a
 * notebook.
 */
export function frameUrls(pictures: readonly Pixels[], side = leastSide): string[] {
  const own = Math.max(1, ...pictures.map(({ width, height }) => Math.max(width, height)));
  const whole = Math.max(1, Math.ceil(side / own));
  for (const factor of [whole, 1, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32]) {
    const urls = pictures.map((picture) =>
      dataUrl(factor >= 1 ? enlarge(picture, factor) : reduce(picture, factor)),
    );
    const characters = urls.reduce((sum, url) => sum + url.length, 0);
    if (characters <= mostCharacters || own * factor <= smallestSide) return urls;
  }
  throw new Error(`Cannot fit ${pictures.length} pictures into a notebook: show fewer at once`);
}
