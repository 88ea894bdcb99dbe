import {
  type DisplayBundle,
  displaySymbol,
  isDisplayBundle,
  isMimeBundle,
  mime,
  type MimeBundle,
  wholeBundle,
} from './bundle';
import { Drawing } from './drawing';
import { inspectValue } from './inspect-value';
import { jsonEntries } from './json-copy';
import { findRenderer } from './renderers';

/** How a value is turned into a bundle. */
export interface BundleOptions {
  /** False leaves out the PNG, which takes most of the time. Default true. */
  png?: boolean;
}

/**
 * How any value looks, as one bundle. In this order: our own drawings; bundles as they are; what the
 * value's `[Symbol.for('Jupyter.display')]()` returns; a registered renderer (tensors, schedulers,
 * trajectories, pictures); a promise's value; a string as it is; anything else by `util.inspect`.
 * Never throws: a display that fails becomes the inspected value with a note.
 * Everything but promises is read before the first await, so tensors may be disposed afterwards.
 *
 * @example
 * const { data } = await toBundle({ reward: 0.5 });
 * data['text/plain']; // '{ reward: 0.5 }'
 */
export async function toBundle(
  value: unknown,
  { png = true }: BundleOptions = {},
): Promise<DisplayBundle> {
  try {
    return await draw(value, png, 0);
  } catch (error) {
    return plain(`${inspectValue(value)}\n(its display failed: ${message(error)})`);
  }
}

/** Displays may return displays (a promise of a drawing, say); more levels than this are a loop. */
const deepest = 8;

async function draw(value: unknown, png: boolean, depth: number): Promise<DisplayBundle> {
  if (depth > deepest) throw new Error(`it returned another display ${deepest} times`);
  if (typeof value === 'string') return plain(value);
  if (typeof value !== 'object' && typeof value !== 'function') return plain(inspectValue(value));
  if (value === null) return plain('null');
  if (value instanceof Drawing) return value.bundle({ png });

  const method = (value as { [displaySymbol]?: unknown })[displaySymbol];
  if (typeof method === 'function') return draw(method.call(value), png, depth + 1);
  if (isDisplayBundle(value))
    return {
      ...value,
      data: normal(value.data),
      metadata: jsonEntries((key) => `show the metadata "${key}"`, value.metadata ?? {}),
    };
  if (isMimeBundle(value)) {
    const bundle = wholeBundle(value);
    return { ...bundle, data: normal(value) };
  }

  const renderer = findRenderer(value);
  if (renderer) return draw(renderer.draw(value), png, depth + 1);
  if (isThenable(value)) return draw(await value, png, depth + 1);
  return plain(inspectValue(value));
}

function plain(text: string): DisplayBundle {
  return { data: { [mime.plain]: text }, metadata: {} };
}

/** Data as it travels in Jupyter's messages: bytes as base64, and what is no text as JSON. */
function normal(data: MimeBundle): MimeBundle {
  const asText = Object.entries(data).map(([type, content]) => [
    type,
    content instanceof Uint8Array ? Buffer.from(content).toString('base64') : content,
  ]);
  return jsonEntries((type) => `show ${type}`, Object.fromEntries(asText) as MimeBundle);
}

function isThenable(value: object): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown }).then === 'function';
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
