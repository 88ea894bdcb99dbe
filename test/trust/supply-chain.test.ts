import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { inFolder } from '../sdk/training/run/small-runs';

const root = join(__dirname, '../..');
const read = (name: string) => readFileSync(join(root, name), 'utf8');
const security = read('SECURITY.md');

interface Locked {
  version: string;
  resolved?: string;
  integrity?: string;
  license?: string;
  link?: boolean;
  hasInstallScript?: boolean;
}

const packagesOf = (lock: string) =>
  Object.entries((JSON.parse(read(lock)) as { packages: Record<string, Locked> }).packages).filter(
    ([path, { link }]) => path.includes('node_modules/') && link !== true,
  );
const locked = packagesOf('package-lock.json');
/** A peer of the benchmark of kernels, which has a lock of its own: it is installed when it is measured. */
const deno = packagesOf('test/bench/kernel/deno/package-lock.json');
const nameOf = (path: string) => path.slice(path.lastIndexOf('node_modules/') + 13);
const isNamed = (name: string) => security.includes(`\`${name}\``);

function npm(parameters: string[], cwd = root) {
  return spawnSync('npm', parameters, { cwd, encoding: 'utf8', maxBuffer: 2 ** 26 });
}

describe('SECURITY.md', () => {
  it('names tests that there are', () => {
    const named = [...security.matchAll(/`(test\/[^`]+\.test\.ts)`/g)].map(([, file]) => file);
    assert.ok(named.length > 10, `${named.length} are named`);
    assert.deepEqual(
      named.filter((file) => !existsSync(join(root, file))),
      [],
    );
  });
});

describe('what is installed', function () {
  this.timeout(180_000);

  it('comes from the registry in the version that the lock file says, by its hash', () => {
    for (const [path, { resolved, integrity }] of [...locked, ...deno]) {
      // npm leaves out an address that is the registry's own.
      if (resolved !== undefined) assert.match(resolved, /^https:\/\/registry\.npmjs\.org\//, path);
      assert.match(integrity ?? '', /^sha512-/, path);
    }
  });

  it('is of Deno the version that the benchmark names', () => {
    const [, version] =
      /DENO_VERSION = '([^']+)'/.exec(read('test/bench/kernel/peer-kernels.ts')) ?? [];
    const own = deno.map(([path, one]) => [nameOf(path), one.version] as const);
    assert.ok(own.length > 1 && own.every(([, one]) => one === version));
    assert.ok(own.some(([name]) => name === 'deno'));
  });

  it('runs no install script; the packages that have one are those that SECURITY.md names', () => {
    assert.match(read('.npmrc'), /^ignore-scripts=true$/m);
    const found = locked.filter(([, one]) => one.hasInstallScript).map(([path]) => nameOf(path));
    const [, listed] = /Packages with an install script, [^:]*: ([^.]*)\./.exec(security) ?? [];
    const names = [...listed.matchAll(/`([^`]+)`/g)].map(([, name]) => name);
    assert.deepEqual([...new Set(found)].sort(), names.sort());
  });

  it('has licences that SECURITY.md lists', () => {
    const [, list] = /Licences that the packages name: ([^]*?)\. `/.exec(security) ?? [];
    const known = new Set(
      list
        .replaceAll(/\([^)]*\)/g, '')
        .split(',')
        .map((name) => name.trim()),
    );
    known.add('SEE LICENSE IN README.md').add('LICENSE');
    for (const [path, { license }] of locked) {
      if (license === undefined) assert.ok(isNamed(nameOf(path)), `${path} has no license field`);
      else {
        for (const one of license.replaceAll(/[()]/g, '').split(/ AND | OR /)) {
          assert.ok(known.has(one), `${path} has ${one}`);
        }
      }
    }
  });

  it('has no known weakness of high severity but those that SECURITY.md names with a reason', () => {
    const { stdout } = npm(['audit', '--json', '--audit-level=high']);
    const answer = JSON.parse(stdout || '{}') as {
      vulnerabilities?: Record<string, { severity: string }>;
    };
    // Where the registry does not answer, what is listed must at least be there.
    const found = Object.entries(answer.vulnerabilities ?? {});
    for (const [name, { severity }] of found) {
      if (severity === 'high' || severity === 'critical') assert.ok(isNamed(name), name);
    }
    const [, table] = /Known weaknesses that stay:([^]*?)\n\n[A-Z]/.exec(security) ?? [];
    for (const [, name] of table.matchAll(/^\| `([^`]+)` \|/gm)) {
      assert.ok(
        locked.some(([path]) => nameOf(path) === name),
        `${name} is no longer installed`,
      );
    }
  });

  it('has of a package that overrides name that version alone', () => {
    const { overrides } = JSON.parse(read('package.json')) as { overrides: Record<string, string> };
    for (const [name, wanted] of Object.entries(overrides)) {
      const found = locked.filter(([path]) => nameOf(path) === name);
      assert.deepEqual(
        found.map(([, { version }]) => version),
        [wanted],
        name,
      );
    }
  });

  it('is listed by npm run sbom, every package with its version', () => {
    const { stdout, status } = npm(['run', '--silent', 'sbom']);
    assert.equal(status, 0);
    const { components } = JSON.parse(stdout) as {
      components: { 'bom-ref': string; purl: string }[];
    };
    const listed = new Set(components.map(({ purl }) => decodeURIComponent(purl)));
    for (const [path, { version }] of locked) {
      if (path.includes('vega-lite-of-jupyterlab')) continue;
      const start = `pkg:npm/${nameOf(path)}@${version}`;
      assert.ok(
        [...listed].some((one) => one.startsWith(start)),
        start,
      );
    }
  });

  it('and our wheels are named by their SHA-256', async () => {
    const platforms = read('kernel-extensions/setup/platforms.mjs');
    const wheels = platforms.match(/tag:/g)?.length ?? 0;
    assert.ok(wheels > 0);
    assert.equal(platforms.match(/sha256: '[0-9a-f]{64}'/g)?.length, wheels);
  });
});

describe('npm pack', function () {
  this.timeout(180_000);

  it('gives equal files twice: what is committed, and what is built of it', () =>
    inFolder(async (folder) => {
      const listed = spawnSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' });
      const committed = new Set(listed.stdout.split('\0'));
      const packed = ['one', 'two'].map((name) => {
        const to = join(folder, name);
        mkdirSync(to);
        const { status, stderr, stdout } = npm([
          'pack',
          '-w',
          'sdk',
          '-w',
          'kernel-extensions',
          '--json',
          '--ignore-scripts',
          '--pack-destination',
          to,
        ]);
        assert.equal(status, 0, stderr);
        const packages = JSON.parse(stdout) as { name: string; files: { path: string }[] }[];
        for (const { name: packed, files } of packages) {
          const others = files
            .map(({ path }) => path)
            .filter((path) => !path.startsWith('dist/'))
            .filter((path) => !committed.has(`${packed.replace('@flowbook/', '')}/${path}`));
          assert.deepEqual(others, [], packed);
          assert.ok(files.length > 10);
        }
        return readdirSync(to)
          .sort()
          .map((file) => [
            file,
            createHash('sha256')
              .update(readFileSync(join(to, file)))
              .digest('hex'),
          ]);
      });
      assert.equal(packed[0].length, 2);
      assert.deepEqual(packed[1], packed[0]);
    }));
});
