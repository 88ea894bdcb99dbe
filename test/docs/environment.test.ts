import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '../..');
const SOURCES = ['sdk/src', ...['src', 'setup', 'bin'].map((name) => `kernel-extensions/${name}`)];

/** Names in quotes or behind `env.`, as code reads them. */
function variablesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.m?[jt]s$/.test(file))
    .flatMap((file) => {
      const text = readFileSync(join(ROOT, folder, file), 'utf8');
      return [...text.matchAll(/(?:env(?:ironment)?\.|\{ |['"])(FLOWBOOK_[A-Z_]+)\b/g)];
    })
    .map(([, name]) => name);
}

describe('docs/environment.md', () => {
  const page = readFileSync(join(ROOT, 'docs/environment.md'), 'utf8');
  const listed = [...page.matchAll(/^\| `(FLOWBOOK_[A-Z_]+)` \|/gm)].map(([, name]) => name);
  /** An exported constant of that form, no variable. */
  const constants = ['FLOWBOOK_KERNELSPEC'];
  const read = new Set(SOURCES.flatMap(variablesIn).filter((name) => !constants.includes(name)));

  it('lists every variable that the code reads, and no other', () => {
    assert.deepEqual([...read].sort(), [...listed].sort());
  });
});
