import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { bundleFiles } from '@flowbook/kernel-extensions';
import { describeBundle } from '../../../kernel-extensions/src/cluster/launch/describe-bundle';

describe('bundleFiles()', () => {
  let project: string;

  function write(file: string, text = ''): void {
    mkdirSync(dirname(join(project, file)), { recursive: true });
    writeFileSync(join(project, file), text);
  }

  beforeEach(() => {
    project = mkdtempSync(join(tmpdir(), 'flowbook-bundle-'));
    write('package.json', '{}');
    write('run.mjs');
  });

  afterEach(() => rmSync(project, { recursive: true, force: true }));

  it('sends with what --include names each package.json above it, so that Node takes it for the same kind of module', () => {
    write('package.json', '{ "type": "module" }');
    for (const folder of ['src', 'src/lib', 'src/lib/deep', 'src/other', 'unnamed'])
      write(`${folder}/package.json`, '{}');
    write('src/lib/deep/a.js', 'export const a = 1;');
    write('train.js', "import { a } from './src/lib/deep/a.js'; console.log(typeof require, a);");
    const named = ['src/lib/deep/package.json', 'src/lib/package.json', 'src/package.json'];
    for (const start of [() => execFileSync('git', ['init', '--quiet'], { cwd: project }), null]) {
      start?.();
      assert.deepEqual(bundleFiles(project, ['src/lib/deep', 'train.js']).files, [
        'package.json',
        'src/lib/deep/a.js',
        ...named,
        'train.js',
      ]);
    }
  });

  it('refuses a project of which git does not say what it ignores', () => {
    write('.gitignore', 'private/');
    write('private/prompts.csv');
    assert.ok(bundleFiles(project).files.includes('private/prompts.csv'), 'in no repository');
    execFileSync('git', ['init', '--quiet'], { cwd: project });
    const { PATH } = process.env;
    process.env.PATH = project;
    try {
      assert.throws(() => bundleFiles(project), {
        message: `Cannot bundle "${project}" as git must tell what it ignores there: git is not on the path`,
      });
    } finally {
      process.env.PATH = PATH;
    }
    rmSync(join(project, '.git'), { recursive: true });
    write('.git', 'gitdir: /none\n');
    mkdirSync(join(project, 'inner'));
    for (const folder of [project, join(project, 'inner')]) {
      assert.throws(() => bundleFiles(folder), {
        message: `Cannot bundle "${folder}" as git must tell what it ignores there: fatal: not a git repository: /none`,
      });
    }
  });

  it('leaves out links to what it leaves out', () => {
    write('.gitignore', 'private/\n');
    write('private/settings.json', '{}');
    write('node_modules/a/index.js');
    symlinkSync('private/settings.json', join(project, 'settings.json'));
    symlinkSync('.git/config', join(project, 'remotes'));
    symlinkSync('node_modules/a/index.js', join(project, 'a.js'));
    symlinkSync('run.mjs', join(project, 'alias.mjs'));
    const what = 'a link to a file that is left out';
    const without = bundleFiles(project);
    assert.deepEqual([...without.noFiles].slice(0, 1), [['a.js', what]]);
    execFileSync('git', ['init', '--quiet'], { cwd: project });
    write('.gitignore', 'private/\nnode_modules/\n');
    const sent = bundleFiles(project);
    assert.deepEqual(
      [...sent.noFiles],
      ['a.js', 'remotes', 'settings.json'].map((link) => [link, what]),
    );
    assert.deepEqual(sent.files, ['.gitignore', 'alias.mjs', 'package.json', 'run.mjs']);
    assert.ok(describeBundle(sent).includes(`Does not send remotes, which is ${what}`));
  });
});
