import { readFileSync, readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import type { ServedModel } from './hub-server';

/** A folder's files as a hub's model. */
export function servedModel(
  name: string,
  folder: string,
  more: Partial<ServedModel> = {},
): ServedModel {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map((file) => join(file.parentPath, file.name));
  const files = paths.map((path) => [
    relative(folder, path).split(sep).join('/'),
    new Uint8Array(readFileSync(path)),
  ]);
  return { name, ...more, files: { ...Object.fromEntries(files), ...more.files } };
}
