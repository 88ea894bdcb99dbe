import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { KernelClient } from '../../kernel-extensions/src/kernel/client';
import { flowbookCommand } from './setup-module';
import { temporaryFolder } from './temporary-folder';

function flowbook(...parameters: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [flowbookCommand, ...parameters], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

describe('flowbook install', () => {
  const folder = temporaryFolder();
  const specFolder = () => join(folder.path, 'share/jupyter/kernels/flowbook');

  it('install --prefix writes a kernelspec with full paths', () => {
    const { status, stdout } = flowbook('install', '--prefix', folder.path);
    assert.equal(status, 0);
    assert.equal(stdout, `Installed the kernel "flowbook" into ${specFolder()}\n`);
    const { argv, language } = JSON.parse(readFileSync(join(specFolder(), 'kernel.json'), 'utf8'));
    assert.equal(language, 'typescript');
    assert.equal(argv[0], process.execPath);
    assert.ok(isAbsolute(argv[1]) && existsSync(argv[1]), argv[1]);
    assert.ok(argv.includes('{connection_file}'));
  });

  it('the installed kernel works outside of the clone', async () => {
    const kernel = await KernelClient.start({ kernelspec: specFolder(), cwd: folder.path });
    try {
      const { status, outputs } = await kernel.execute('console.log(process.cwd()); 6 * 7');
      assert.equal(status, 'ok');
      assert.deepEqual(outputs[0], {
        output_type: 'stream',
        name: 'stdout',
        text: `${folder.path}\n`,
      });
      assert.match(JSON.stringify(outputs[1]), /"text\/plain":"42"/);
    } finally {
      await kernel.shutdown();
    }
  });

  it('uninstall --prefix removes what install wrote, and says when there is nothing', () => {
    assert.equal(
      flowbook('uninstall', '--prefix', folder.path).stdout,
      `Removed ${specFolder()}\n`,
    );
    assert.deepEqual(readdirSync(join(folder.path, 'share/jupyter/kernels')), []);
    const again = flowbook('uninstall', '--prefix', folder.path);
    assert.equal(again.status, 0);
    assert.match(again.stdout, /^There is no kernel "flowbook" in /);
  });

  it('install takes one place', () => {
    const { status, stderr } = flowbook('install', '--user', '--prefix', folder.path);
    assert.equal(status, 1);
    assert.match(stderr, /one of --user, --sys-prefix and --prefix may be given/);
  });
});

describe('flowbook', () => {
  it('an unknown command ends with 2', () => {
    const { status, stderr } = flowbook('trian');
    assert.equal(status, 2);
    assert.match(stderr, /unknown command 'trian'/);
  });

  it('--help lists every command', () => {
    const { status, stdout } = flowbook('--help');
    assert.equal(status, 0);
    for (const name of ['setup', 'lab', 'run', 'export', 'install', 'uninstall', 'doctor']) {
      assert.match(stdout, new RegExp(`^ {2}${name} `, 'm'));
    }
  });

  it('setup --help tells its flags before anything is built', () => {
    const { status, stdout } = flowbook('setup', '--help');
    assert.equal(status, 0);
    assert.match(stdout, /--no-jupyter/);
  });
});
