import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Drawing } from '../../../kernel-extensions/src/display/drawing';
import { renderPng } from '../../../kernel-extensions/src/display/rendering/render-png';

/** Writes drawings as PNG files under their names. @returns The names of the files. */
export async function writePictures(
  drawings: readonly Drawing[],
  folder: string,
): Promise<string[]> {
  const names: string[] = [];
  for (const { name, spec } of drawings) {
    const { png } = await renderPng(spec);
    writeFileSync(join(folder, `${name}.png`), png);
    names.push(`${name}.png`);
  }
  return names;
}
