import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KernelClient } from '../../kernel-extensions/src/kernel/client';
import { repository } from '../setup/setup-module';
import { temporaryFolder } from '../setup/temporary-folder';

/** What the README shows below its marker: the first recipe. */
function readmeRecipe(): string {
  const readme = readFileSync(join(repository, 'README.md'), 'utf8');
  const recipe = /<!-- recipe -->\s*```ts\n([^]*?)```/.exec(readme);
  assert.ok(recipe, 'README.md has a TypeScript block below <!-- recipe -->');
  return recipe[1];
}

describe('npm packages', function () {
  this.timeout(300_000);
  const folder = temporaryFolder();
  const empty = () => join(folder.path, 'empty');

  function run(program: string, parameters: string[], cwd = empty()) {
    const { status, stdout, stderr } = spawnSync(program, parameters, {
      cwd,
      encoding: 'utf8',
      // npm's own variables name this repository when npm runs the tests.
      env: Object.fromEntries(
        Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')),
      ),
    });
    assert.equal(status, 0, `${program} ${parameters.join(' ')}\n${stdout}\n${stderr}`);
    return { stdout, stderr };
  }

  before(() => {
    mkdirSync(empty());
    writeFileSync(join(empty(), 'package.json'), '{ "private": true }\n');
    const pack = ['pack', '-w', 'sdk', '-w', 'kernel-extensions', '--pack-destination'];
    run('npm', [...pack, folder.path], repository);
    const archives = readdirSync(folder.path).filter((name) => name.endsWith('.tgz'));
    assert.equal(archives.length, 2);
    const readme = readFileSync(join(repository, 'README.md'), 'utf8');
    for (const name of archives) assert.ok(readme.includes(`../${name}`), `README names ${name}`);
    const quickly = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
    run('npm', ['install', ...quickly, ...archives.map((name) => join('..', name))]);
  });

  it('flowbook setup gives an empty folder the native library', () => {
    const { stderr } = run('npx', ['flowbook', 'setup', '--no-jupyter']);
    assert.match(stderr, /native binding {2}.*runs TensorFlow 2\.21\.0/);
    assert.match(stderr, /start image +made \(\d+ MB\)/);
    const again = run('npx', ['flowbook', 'setup', '--no-jupyter']);
    assert.match(again.stderr, /native binding {2}is in place \(\d+\.\d s\)/);
  });

  it("README's first recipe runs as CommonJS and as an ES module", () => {
    writeFileSync(join(empty(), 'recipe.ts'), readmeRecipe());
    writeFileSync(join(empty(), 'recipe.mts'), readmeRecipe());
    const { stdout } = run('npx', ['tsx', 'recipe.ts']);
    assert.match(stdout, /^loss \S+ ratio 1(\.0+)?$/m);
    assert.equal(run('npx', ['tsx', 'recipe.mts']).stdout, stdout);
  });

  it('the kernel of the installed package finds the packages of its folder', async () => {
    const kernels = 'node_modules/@flowbook/kernel-extensions/share/jupyter/kernels/flowbook';
    const kernel = await KernelClient.start({ kernelspec: join(empty(), kernels), cwd: empty() });
    try {
      const cell =
        "import { backendInfo } from '@flowbook/sdk';\nconsole.log(backendInfo().nativeVersion)";
      const { status, outputs } = await kernel.execute(cell);
      assert.equal(status, 'ok', JSON.stringify(outputs));
      assert.deepEqual(outputs, [{ output_type: 'stream', name: 'stdout', text: '2.21.0\n' }]);
    } finally {
      await kernel.shutdown();
    }
  });
});
