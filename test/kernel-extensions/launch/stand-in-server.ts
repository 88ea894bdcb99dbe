import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setupModule } from '../../setup/setup-module';

/**
 * In place of JupyterLab's Python: says in `asked` that it was asked whether it is there, and that it is a moment later; told by
 * its root folder's name to be silent, it never says where it listens.
 */
const program = `#!${process.execPath}
const { readFileSync, writeFileSync } = require('node:fs');
const { dirname, join, basename } = require('node:path');
const file = process.argv.find((one) => one.startsWith('--config=')).slice('--config='.length);
const { IdentityProvider: { token } } = JSON.parse(readFileSync(file, 'utf8'));
process.stdin.resume().on('end', () => process.exit()); // whoever started it is gone
const server = require('node:http').createServer((_, response) => {
  writeFileSync('asked', '');
  setTimeout(() => response.end('{}'), 300);
});
server.listen(0, '127.0.0.1', () => {
  const url = 'http://127.0.0.1:' + server.address().port + '/';
  if (basename(process.cwd()) === 'silent') writeFileSync('asked', '');
  else writeFileSync(join(dirname(file), 'jpserver-' + process.pid + '.json'), JSON.stringify({ url, token }));
});
`;

/** A cache folder in which JupyterLab seems to be set up, and its Python. */
export async function standInForJupyter(cache: string): Promise<{ cache: string; python: string }> {
  const { jupyterFolder, venvPython } = await setupModule('index.mjs');
  const folder: string = jupyterFolder(cache);
  const python: string = venvPython(folder);
  mkdirSync(dirname(python), { recursive: true });
  writeFileSync(python, program);
  chmodSync(python, 0o755);
  for (const stamp of ['venv-is-complete', 'all-packages-are-there']) {
    writeFileSync(join(folder, stamp), '');
  }
  return { cache, python };
}
