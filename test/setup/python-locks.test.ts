import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { repository, scriptModule, setupModule } from './setup-module';

const read = (name: string) => readFileSync(join(repository, name), 'utf8');
const normal = (name: string) => name.toLowerCase().replaceAll(/[-_.]+/g, '-');

interface Lock {
  name: string;
  python: string;
}

/** The packages of a lock: name, version, and what stands below it. */
function entriesOf(lock: string) {
  const lines = lock.replaceAll(/^\s*#.*\n/gm, '');
  return lines
    .split(/\n(?=\S)/)
    .filter((entry) => entry.trim() !== '')
    .map((entry) => {
      const [, name, version] = /^([a-z0-9-]+)==([^\s;]+)(?: ; [^\n\\]+)? \\\n/.exec(entry) ?? [];
      assert.ok(version, `no version: ${entry.slice(0, 80)}`);
      return { name, version, rest: entry.slice(entry.indexOf('\n') + 1).trimEnd() };
    });
}

/** What a NAME.in asks for: [name, version]. */
const askedFor = (name: string) =>
  [...read(`${name}.in`).matchAll(/^([\w-]+)(?:\[\w+\])?==(\S+)/gm)].map(
    ([, one, version]) => [normal(one), version] as const,
  );

describe('what pip installs', () => {
  let locks: Lock[] = [];
  let headerOf: (lock: Lock) => string;

  before(async () => {
    ({ locks, headerOf } = await scriptModule('python-locks.mjs'));
  });

  /** The one version of a package in a lock. */
  function versionIn(lock: string, name: string): string {
    const found = entriesOf(read(`${lock}.txt`)).filter((entry) => entry.name === name);
    assert.ok(found.length > 0, `${lock} has no ${name}`);
    return found[0].version;
  }

  it('is in a lock, each package with one version and the SHA-256 of its files', () => {
    for (const { name } of locks) {
      const entries = entriesOf(read(`${name}.txt`));
      assert.ok(entries.length > 0);
      for (const { name: one, rest } of entries) {
        const pattern = /^ {4}--hash=sha256:[0-9a-f]{64}( \\\n {4}--hash=sha256:[0-9a-f]{64})*$/;
        assert.match(rest, pattern, `${name}: ${one}`);
      }
    }
  });

  it('is what the lock was asked for, and the lock says for which Pythons and platforms', () => {
    for (const lock of locks) {
      const text = read(`${lock.name}.txt`);
      assert.ok(text.startsWith(headerOf(lock)), lock.name);
      const entries = entriesOf(text);
      const asked = askedFor(lock.name);
      assert.ok(asked.length > 0);
      for (const [name, version] of asked) {
        assert.ok(
          entries.some((entry) => entry.name === name && entry.version === version),
          `${lock.name} has no ${name} ${version}`,
        );
      }
    }
  });

  it('has a lock for each NAME.in', () => {
    const folders = ['kernel-extensions/setup/locks', 'scripts/locks'];
    const files = folders.flatMap((folder) =>
      readdirSync(join(repository, folder)).map((file) => join(folder, file)),
    );
    assert.deepEqual(
      files.sort(),
      locks.flatMap(({ name }) => [`${name}.in`, `${name}.txt`]).sort(),
    );
  });

  it('is of PyTorch the build for CPUs, without libraries for GPUs, where golden numbers are made', () => {
    const text = read('scripts/locks/reference.txt');
    const linux = "sys_platform == 'linux'";
    const forGpus = [...text.matchAll(/^(?:nvidia|cuda|triton)[^;]*;([^\n\\]*)/gm)];
    assert.ok(forGpus.length > 10);
    for (const [line, marker] of forGpus) {
      // Each alternative is for newer Pythons, or for other machines than x86_64.
      for (const one of marker.split(/\) or \(/)) {
        assert.match(
          one,
          /python_full_version >= '3\.12'|platform_machine (!= 'x86_64'|== 'aarch64')/,
          line,
        );
        assert.ok(one.includes(linux), line);
      }
    }
    assert.match(
      text,
      /^torch==2\.13\.0\+cpu ; python_full_version < '3\.12' and platform_machine == 'x86_64' and sys_platform == 'linux' \\$/m,
    );
  });

  it('goes through runPip(), which asks for hashes and for wheels', () => {
    const files = execFileSync('git', ['ls-files', '-z'], { cwd: repository, encoding: 'utf8' })
      .split('\0')
      .filter((file) => /\.(mjs|cjs|js|ts|mts|py|sh|ya?ml|ipynb)$|^\.ci\//.test(file))
      .filter((file) => file !== 'test/setup/python-locks.test.ts');
    assert.ok(files.includes('kernel-extensions/setup/pip.mjs') && files.includes('.ci/run'));
    const texts = files.map((file) => [file, read(file)] as const);
    const withText = (pattern: RegExp) =>
      texts.filter(([, text]) => pattern.test(text)).map(([file]) => file);
    // As an argument, as a module that Python runs, and as a command.
    assert.deepEqual(withText(/'pip3?'(?!, 'compile')|"pip3?"/), [
      'kernel-extensions/setup/pip.mjs',
    ]);
    assert.deepEqual(withText(/\bpip3? (install|download)\b|ensurepip\.|from pip\b|import pip\b/), [
      'test/kernel-extensions/export/export-notebook.test.ts',
    ]);
    assert.match(
      read('kernel-extensions/setup/pip.mjs'),
      /^ {4}'--require-hashes',\n {4}'--only-binary=:all:',$/m,
    );
  });

  it('has the versions that are named elsewhere', async () => {
    const jupyterlab = 'kernel-extensions/setup/locks/jupyterlab';
    const { jupyterlabVersion } = await setupModule('jupyter.mjs');
    assert.equal(versionIn(jupyterlab, 'jupyterlab'), jupyterlabVersion);
    const { dependencies } = JSON.parse(read('kernel-extensions/package.json')) as {
      dependencies: Record<string, string>;
    };
    // JupyterLab 4.x.y is released with its services 7.x.y.
    assert.equal(dependencies['@jupyterlab/services'], jupyterlabVersion.replace(/^4\./, '7.'));

    const { rayVersion } = await setupModule('ray.mjs');
    assert.equal(versionIn('kernel-extensions/setup/locks/ray', 'ray'), rayVersion);
    const [, ofImages] =
      /'of the Ray in the image', '([^']+)'/.exec(
        read('kernel-extensions/src/commands/submit-options.ts'),
      ) ?? [];
    assert.equal(ofImages, rayVersion);

    const [, kernelTest] =
      /VERSION = '([^']+)'/.exec(read('test/jupyter/kernel-test.test.ts')) ?? [];
    assert.equal(versionIn('scripts/locks/jupyter-kernel-test', 'jupyter-kernel-test'), kernelTest);
  });

  it('has the versions that golden numbers were made with', () => {
    const { versions } = JSON.parse(read('test/golden/cases/advantages/grpo.json')) as {
      versions: Record<string, string>;
    };
    const asked = new Set(askedFor('scripts/locks/reference').map((pair) => pair.join('==')));
    const { python, ...packages } = versions;
    assert.match(python, /^3\.11\./);
    assert.ok('torch' in packages && 'diffusers' in packages);
    for (const [name, version] of Object.entries(packages)) {
      assert.ok(asked.has(`${name}==${version}`), name);
    }
  });
});
