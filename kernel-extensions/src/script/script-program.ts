import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

/** Program and arguments that a TypeScript file follows: this Node, with tsx beside it. */
export function scriptProgram(): [program: string, ...parameters: string[]] {
  const tsx = pathToFileURL(createRequire(__filename).resolve('tsx')).href;
  return [process.execPath, '--import', tsx];
}
