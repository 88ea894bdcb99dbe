import assert from 'node:assert/strict';
import { cacheFolder as ofSdk } from '../../sdk/src/tensorflow/compiled-store';
import { setupModule } from './setup-module';

describe('platforms', () => {
  it('platforms pins every wheel by name, size and SHA-256', async () => {
    const { platforms } = await setupModule('platforms.mjs');
    for (const [name, row] of Object.entries<Record<string, never>>(platforms)) {
      if (row.state === 'unavailable') {
        assert.ok(row.reason, name);
        continue;
      }
      const { project, tag, sha256, bytes } = row.wheel as Record<string, never>;
      assert.match(project, /^tensorflow(-cpu)?$/, name);
      assert.match(tag, /^(manylinux|macosx)_/, name);
      assert.match(sha256, /^[0-9a-f]{64}$/, name);
      assert.ok(bytes > 200e6 && bytes < 600e6, name);
      assert.equal((row.libraries as string[]).length, 2, name);
    }
  });

  it('platforms names Linux x86-64 alone as proven', async () => {
    const { platforms } = await setupModule('platforms.mjs');
    const states = Object.fromEntries(
      Object.entries<{ state: string }>(platforms).map(([name, { state }]) => [name, state]),
    );
    assert.deepEqual(states, {
      'linux-x64': 'proven',
      'linux-x64-cuda': 'untried',
      'linux-arm64': 'untried',
      'darwin-arm64': 'untried',
      'darwin-x64': 'unavailable',
      'win32-x64': 'unavailable',
    });
  });

  it('platformFor() says why a machine gets no native library', async () => {
    const { platformFor } = await setupModule('platforms.mjs');
    assert.deepEqual(platformFor({ platform: 'freebsd', arch: 'x64' }), {
      name: 'freebsd-x64',
      state: 'unavailable',
      reason: 'TensorFlow 2.21.0 has no wheel for freebsd-x64',
    });
    assert.equal(
      platformFor({ platform: 'linux', arch: 'x64', glibc: null }).reason,
      'TensorFlow has no wheel for a Linux without glibc',
    );
    assert.equal(platformFor({ platform: 'linux', arch: 'x64', glibc: '2.36' }).state, 'proven');
  });
});

describe('cacheFolder', () => {
  it('cacheFolder() follows FLOWBOOK_CACHE, then the habits of each system', async () => {
    const { cacheFolder } = await setupModule('cache-folder.mjs');
    const HOME = '/home/ada';
    assert.equal(cacheFolder({ HOME, FLOWBOOK_CACHE: '/big/disk' }, 'linux'), '/big/disk');
    assert.equal(cacheFolder({ HOME, XDG_CACHE_HOME: '/x' }, 'linux'), '/x/flowbook');
    assert.equal(cacheFolder({ HOME }, 'linux'), '/home/ada/.cache/flowbook');
    assert.equal(cacheFolder({ HOME }, 'darwin'), '/home/ada/Library/Caches/flowbook');
    assert.equal(cacheFolder({ HOME }, 'win32'), '/home/ada/AppData/Local/flowbook');
  });

  it("cacheFolder() of set-up and the sdk's are one", async () => {
    const { cacheFolder } = await setupModule('cache-folder.mjs');
    const HOME = '/home/ada';
    for (const platform of ['linux', 'darwin', 'win32'] as const) {
      for (const environment of [
        { HOME },
        { HOME, FLOWBOOK_CACHE: 'big/disk' },
        { HOME, XDG_CACHE_HOME: '/x' },
        { HOME, LOCALAPPDATA: '/local' },
        {},
      ] as NodeJS.ProcessEnv[]) {
        const expected = cacheFolder(environment, platform);
        assert.equal(ofSdk(environment, platform), expected);
      }
    }
  });
});

describe('installCommand', () => {
  it('installCommand() knows the package manager of each Linux family', async () => {
    const { installCommand } = await setupModule('install-command.mjs');
    const compilerOn = (osRelease: string) => installCommand('compiler', 'linux', osRelease);
    assert.equal(compilerOn('ID=debian\n'), 'sudo apt-get install -y g++');
    assert.equal(compilerOn('ID=pop\nID_LIKE="ubuntu debian"\n'), 'sudo apt-get install -y g++');
    assert.equal(compilerOn('ID="rocky"\nID_LIKE="rhel centos"\n'), 'sudo dnf install -y gcc-c++');
    assert.equal(compilerOn('ID=arch\n'), 'sudo pacman -S --noconfirm gcc');
    assert.equal(installCommand('compiler', 'darwin'), 'xcode-select --install');
    assert.equal(
      installCommand('venv', 'linux', 'ID=debian\n'),
      'sudo apt-get install -y python3-venv',
    );
  });
});
