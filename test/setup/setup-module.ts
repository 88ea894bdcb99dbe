import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Folder of the repository. */
export const repository = resolve(__dirname, '../..');

/** The `flowbook` command's committed entry point. */
export const flowbookCommand = join(repository, 'kernel-extensions/bin/flowbook.mjs');

/** A module of kernel-extensions/setup: plain JavaScript that runs before anything is built. */
export const setupModule = (name: string) =>
  import(pathToFileURL(join(repository, 'kernel-extensions/setup', name)).href);

/** A module of scripts/. */
export const scriptModule = (name: string) =>
  import(pathToFileURL(join(repository, 'scripts', name)).href);
