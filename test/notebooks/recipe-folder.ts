import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { injectParameters } from '../../kernel-extensions/src/notebook/inject-parameters';
import { readNotebook, writeNotebook } from '@flowbook/kernel-extensions';
import { repository } from '../setup/setup-module';

/** A folder for notebooks inside the clone, where recipes find the packages, the data and what else they import. */
export interface RecipeFolder {
  /** What goes away with the test. */
  path: string;
  /** Where notebooks go. */
  notebooks: string;
  /** Writes a recipe with `mode` set to `smoke`; gives the file. */
  addSmoke(name: string): string;
  remove(): void;
}

/** Makes one, named after who asks. */
export function makeRecipeFolder(purpose: string): RecipeFolder {
  const runs = join(repository, 'runs');
  mkdirSync(runs, { recursive: true });
  const path = mkdtempSync(join(runs, `${purpose}-`));
  const notebooks = join(path, 'notebooks');
  mkdirSync(notebooks);
  symlinkSync(join(repository, 'datasets'), join(path, 'datasets'));
  symlinkSync(join(repository, 'notebooks', 'full'), join(notebooks, 'full'));
  return {
    path,
    notebooks,
    addSmoke(name) {
      const notebook = readNotebook(join(repository, 'notebooks', name));
      injectParameters(notebook, new Map([['mode', 'smoke']]));
      const file = join(notebooks, name);
      writeNotebook(file, notebook);
      return file;
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}
