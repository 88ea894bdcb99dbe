import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository, scriptModule } from './setup-module';
import { temporaryFolder } from './temporary-folder';

describe('build', () => {
  const folder = temporaryFolder();

  for (const name of ['@flowbook/sdk', '@flowbook/kernel-extensions']) {
    it(`${name} is one instance for import and for require`, () => {
      const code = `
        import { createRequire } from 'node:module';
        const required = createRequire(process.cwd() + '/x.js')('${name}');
        const imported = await import('${name}');
        const names = Object.keys(required).filter((key) => key !== '__esModule').sort();
        const different = names.filter((key) => imported[key] !== required[key]);
        console.log(JSON.stringify({ names, imported: Object.keys(imported).sort(), different }));`;
      const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
        cwd: repository,
        encoding: 'utf8',
        env: { ...process.env, FLOWBOOK_BACKEND: 'cpu' },
      });
      assert.notEqual(stdout, '', stderr);
      const { names, imported, different } = JSON.parse(stdout);
      assert.ok(names.length > 10);
      assert.deepEqual(imported, names);
      assert.deepEqual(different, []);
    });
  }

  it('writeEsmDoor() leaves out what has a type alone', async () => {
    const { writeEsmDoor } = await scriptModule('esm-door.mjs');
    const dist = join(folder.path, 'dist');
    mkdirSync(dist);
    writeFileSync(
      join(dist, 'thing.d.ts'),
      'export class Thing {}\nexport interface Shape { a: 1 }\n',
    );
    writeFileSync(
      join(dist, 'index.d.ts'),
      "export * from './thing';\nexport type { Thing as OnlyType } from './thing';\nexport declare const value: number;\n",
    );
    writeEsmDoor(dist);
    assert.equal(
      readFileSync(join(dist, 'index.mjs'), 'utf8'),
      "import door from './index.js';\n\nexport const {\n  Thing,\n  value,\n} = door;\n",
    );
    assert.equal(readFileSync(join(dist, 'index.d.mts'), 'utf8'), "export * from './index.js';\n");
  });

  it('arePackagesInstalled() sees a missing, an old and an interrupted installation', async () => {
    const { arePackagesInstalled } = await scriptModule('packages.mjs');
    const clone = join(folder.path, 'clone');
    mkdirSync(join(clone, 'node_modules'), { recursive: true });
    const lock = (version: string) =>
      JSON.stringify({
        packages: {
          '': { name: 'clone' },
          'node_modules/a': { version, integrity: `sha512-${version}` },
          'node_modules/only-on-windows': { version: '1.0.0', optional: true },
        },
      });
    writeFileSync(join(clone, 'package-lock.json'), lock('1.2.0'));
    assert.equal(arePackagesInstalled(clone), false);
    writeFileSync(join(clone, 'node_modules/.package-lock.json'), lock('1.1.0'));
    assert.equal(arePackagesInstalled(clone), false);
    writeFileSync(join(clone, 'node_modules/.package-lock.json'), lock('1.2.0'));
    assert.equal(arePackagesInstalled(clone), true);
  });
});
