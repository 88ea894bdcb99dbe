import { createRequire, Module } from 'node:module';
import type ts from 'typescript';
import type { PreparedFile } from './prepared-files';

/** What setup/start-image/entry.cjs leaves in memory. */
interface StartImage {
  compiler: typeof ts;
  compilerPath: string;
  files: ReadonlyMap<string, PreparedFile>;
}

const STORE = Symbol.for('flowbook.start-image');

/** Takes what this process started with off the global object, and makes its compiler the one that is imported. */
function takePreparedFiles(): ReadonlyMap<string, PreparedFile> {
  const store = globalThis as { [STORE]?: StartImage };
  const image = store[STORE];
  delete store[STORE];
  process.execArgv = []; // what a cell forks, and inherits these, is no engine
  const require = createRequire(__filename);
  const path = require.resolve('typescript');
  if (image?.compilerPath !== path) return new Map();
  const module = new Module(path);
  Object.assign(module, { filename: path, loaded: true, exports: image.compiler });
  require.cache[path] = module as NodeModule;
  return image.files;
}

export const preparedFiles = takePreparedFiles();
