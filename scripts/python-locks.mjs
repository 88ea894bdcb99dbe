// npm run locks [-- UV ARGUMENTS]: writes the lock of each NAME.in: all that its packages depend on, in one version each, with the
// SHA-256 of every wheel of it, for each platform and Python. What a lock holds stays as it is unless NAME.in asks for another version;
// `-- --upgrade` or `-- --upgrade-package NAME` takes newer ones. Needs uv on the PATH; what pip's configuration
// names besides the index, uv takes from UV_FIND_LINKS, as for PyTorch's build for CPUs.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runCommand } from '../kernel-extensions/setup/run-command.mjs';
import { root } from './packages.mjs';

/** Each without its ending, and the oldest Python that it is for. */
export const locks = [
  { name: 'kernel-extensions/setup/locks/jupyterlab', python: '3.10' },
  { name: 'kernel-extensions/setup/locks/ray', python: '3.10' },
  { name: 'scripts/locks/reference', python: '3.11' },
  { name: 'scripts/locks/jupyter-kernel-test', python: '3.10', parameters: ['--no-deps'] },
];

/** The comment that a lock begins with. */
export const headerOf = ({ name, python }) =>
  `# Written by "npm run locks" from ${name.split('/').pop()}.in, for CPython ${python} and newer on Linux, macOS and Windows, as far as there are wheels.\n`;

async function writeLock({ name, python, parameters = [] }) {
  const lock = `${name}.txt`;
  const { code, stderr } = await runCommand(
    'uv',
    [
      ...['pip', 'compile', '--universal', '--generate-hashes', '--no-build', '--no-header'],
      ...['--no-python-downloads', '--quiet', '--python-version', python],
      ...[...parameters, ...process.argv.slice(2), `${name}.in`, '--output-file', lock],
    ],
    { cwd: root },
  );
  if (code !== 0) {
    const rule = code === null ? 'uv must be on the PATH' : '"uv pip compile" must succeed';
    process.stderr.write(`Cannot write ${lock} as ${rule}: ${stderr.trim()}\n`);
    process.exit(1);
  }
  const file = join(root, lock);
  writeFileSync(file, headerOf({ name, python }) + readFileSync(file, 'utf8'));
  process.stdout.write(`${lock}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const lock of locks) await writeLock(lock);
}
