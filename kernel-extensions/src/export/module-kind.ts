import { isInModulePackage } from '../kernel/engine/modules/module-files';

/** Whether Node takes a TypeScript file for an ES module: by its ending, else by the nearest package.json. */
export function isModuleFile(file: string): boolean {
  if (file.endsWith('.mts')) return true;
  return !file.endsWith('.cts') && isInModulePackage(file);
}
