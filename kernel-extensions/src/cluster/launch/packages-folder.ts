import { existsSync } from 'node:fs';
import * as path from 'node:path';

/**
 * The folder `node_modules` that Flowbook's packages are found in.
 *
 * @param from Where to look first; then in the folders above.
 * @throws When none of them has the packages.
 *
 * @example
 * packagesFolder().endsWith('node_modules'); // true
 */
export function packagesFolder(from = __dirname): string {
  for (let folder = from; ; folder = path.dirname(folder)) {
    const candidate = path.join(folder, 'node_modules');
    if (existsSync(path.join(candidate, '@flowbook', 'sdk'))) return candidate;
    if (path.dirname(folder) === folder) {
      throw new Error(
        `Cannot find Flowbook's packages as a node_modules above must hold @flowbook/sdk: looked from ${from}`,
      );
    }
  }
}
