import { existsSync, readdirSync, statSync } from 'node:fs';
import * as path from 'node:path';

/** Folder of the notebooks: `notebooks/` in this folder or the nearest one above, else this folder itself. */
export function notebooksFolder(from = process.cwd()): string {
  for (let folder = path.resolve(from); ; folder = path.dirname(folder)) {
    const candidate = path.join(folder, 'notebooks');
    if (existsSync(candidate) && statSync(candidate).isDirectory()) return candidate;
    if (path.dirname(folder) === folder) return path.resolve(from);
  }
}

/**
 * The one notebook that a name means: a path of an .ipynb file, or a part of a file's name in `folder`.
 *
 * @example
 * findNotebook('flow-grpo', 'notebooks'); // 'notebooks/01-flow-grpo.ipynb'
 */
export function findNotebook(name: string, folder: string): string {
  if (name.endsWith('.ipynb') && existsSync(name)) return path.resolve(name);
  const all = readdirSync(folder)
    .filter((file) => file.endsWith('.ipynb'))
    .sort();
  const exact = all.filter((file) => file === name || file === `${name}.ipynb`);
  const found = exact.length > 0 ? exact : all.filter((file) => file.includes(name));
  if (found.length === 1) return path.join(folder, found[0]);
  const list = (found.length > 1 ? found : all).join(', ') || 'none';
  const rule =
    found.length > 1 ? 'only one notebook may match' : `a notebook in ${folder} must match`;
  throw new Error(`Cannot find the notebook "${name}" as ${rule}: there are ${list}`);
}
