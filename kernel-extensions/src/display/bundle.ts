/** A value in several forms, each under its MIME type: `{ 'text/plain': '...', 'image/png': '...' }`. */
export type MimeBundle = Record<string, unknown>;

/** One display, as Jupyter sends it: the same content in several forms, the front end picks the best. */
export interface DisplayBundle {
  data: MimeBundle;
  /** Per MIME type, such as `{ 'image/png': { width: 640, height: 320 } }` in CSS pixels. */
  metadata: Record<string, unknown>;
  /** Short name of what is shown, in kebab-case, for sinks that write files. */
  name?: string;
}

/** The MIME types that Flowbook's displays use. */
export const mime = {
  /** The newest Vega-Lite that JupyterLab 4 draws; its content is an object, not a string. */
  vegaLite: 'application/vnd.vegalite.v5+json',
  /** Pictures to scrub, zoom and compare, by Flowbook's own JupyterLab extension: a `FramesDocument`. */
  frames: 'application/vnd.flowbook.frames+json',
  png: 'image/png',
  html: 'text/html',
  markdown: 'text/markdown',
  plain: 'text/plain',
} as const;

/** A method by this symbol returns a MIME bundle (or a promise of one): Deno's convention, and ours. */
export const displaySymbol: unique symbol = Symbol.for('Jupyter.display') as never;

const mimeType = /^[a-z]+\/[\w.+-]+$/i;

/**
 * Whether a value is a plain object whose every key is a MIME type.
 *
 * @example
 * isMimeBundle({ 'text/plain': 'a red circle' }); // true
 */
export function isMimeBundle(value: unknown): value is MimeBundle {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const keys = Object.keys(value);
  return keys.length > 0 && keys.every((key) => mimeType.test(key));
}

/** Bundles whose data went through a `[Symbol.for('Jupyter.display')]()`, which has no place for the rest. */
const whole = new WeakMap<MimeBundle, DisplayBundle>();

/**
 * The data of a bundle, from which `wholeBundle` finds the bundle again.
 *
 * @example
 * const bundle = { data: { 'text/plain': 'a red circle' }, metadata: {}, name: 'circle' };
 * wholeBundle(dataOf(bundle)).name; // 'circle'
 */
export function dataOf(bundle: DisplayBundle): MimeBundle {
  whole.set(bundle.data, bundle);
  return bundle.data;
}

/**
 * The bundle that data came from, with its name and metadata; or one made of the data alone.
 *
 * @example
 * wholeBundle({ 'text/plain': 'a red circle' }).metadata; // {}
 */
export function wholeBundle(data: MimeBundle): DisplayBundle {
  return whole.get(data) ?? { data, metadata: {} };
}

/**
 * Whether a value is a `DisplayBundle`: MIME types below `data`.
 *
 * @example
 * isDisplayBundle({ data: { 'text/plain': 'a red circle' }, metadata: {} }); // true
 */
export function isDisplayBundle(value: unknown): value is DisplayBundle {
  if (typeof value !== 'object' || value === null) return false;
  return isMimeBundle((value as { data?: unknown }).data);
}
