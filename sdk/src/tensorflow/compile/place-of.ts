import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Frames that are not the caller's: this folder, what reads tensors, tfjs, Node. */
const INSIDE =
  /[\\/]tensorflow[\\/](compile[\\/]|bfloat16-handles)|node_modules|tfjs-core|node:|<anonymous>\)?$/;

/** `file:line` of the first frame of an error's stack that is the caller's own code, or null. */
export function placeOf(error: Error): string | null {
  for (const frame of (error.stack ?? '').split('\n')) {
    const [, file, line] = /^\s+at (?:.*\()?(.+):(\d+):\d+\)?$/.exec(frame) ?? [];
    if (file === undefined || INSIDE.test(frame)) continue;
    const path = file.startsWith('file:') ? fileURLToPath(file) : file;
    return `${relative(process.cwd(), path)}:${line}`;
  }
  return null;
}
