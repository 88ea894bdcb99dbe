import { createHash } from 'node:crypto';
import type { PixelImage } from '../core/pixel-image';
import type { PromptRecord } from './reward-registry';

/** An object's keys in order, at every depth, so that the same record is the same text. */
function inOrder(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

/**
 * What a rating follows from, as a text: SHA-256 over the reward, the whole record of the prompt, and the picture's size and bytes.
 *
 * @param reward The reward's name and version.
 */
export function pictureKey(
  reward: readonly [name: string, version: string],
  { width, height, data }: PixelImage,
  record: PromptRecord,
): string {
  const about = JSON.stringify([...reward, record, width, height], inOrder);
  // The break keeps texts and bytes apart: JSON has none.
  return createHash('sha256').update(about).update('\n').update(data).digest('base64url');
}
