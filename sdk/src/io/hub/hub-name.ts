import { existsSync } from 'node:fs';

/** The hub's rule: owner and name, of letters, digits, "-", "_" and "." inside. */
const PART = /^[A-Za-z0-9](?:[\w.-]{0,94}[\w])?$/;

/**
 * Whether a text names a model on a hub: `owner/name`, and no file or folder of that path is there.
 *
 * @example
 * isHubName('Qwen/Qwen-Image'); // true
 * isHubName('datasets/tiny-qwen-image'); // false
 */
export function isHubName(path: string): boolean {
  const parts = path.split('/');
  return (
    parts.length === 2 &&
    parts.every((part) => PART.test(part)) &&
    !/--|\.\./.test(path) &&
    !existsSync(path)
  );
}
