import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder for one test file, made before its tests and removed after them. */
export function temporaryFolder(): { readonly path: string } {
  const folder = { path: '' };
  before(() => {
    folder.path = mkdtempSync(join(tmpdir(), 'flowbook-setup-'));
  });
  after(() => rmSync(folder.path, { recursive: true, force: true }));
  return folder;
}
