import assert from 'node:assert/strict';
import fs, { existsSync, lstatSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HubCache, isCommit } from '../../../../sdk/src/io/hub/hub-cache';
import { inFolder } from '../../training/run/small-runs';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';

describe('isCommit()', () => {
  it('takes forty hexadecimal digits and nothing around them', () => {
    const given = [COMMIT, `${COMMIT}0`, COMMIT.slice(1), `x${COMMIT}`, `${COMMIT}/..`, 'main'];
    assert.deepEqual(given.map(isCommit), [true, false, false, false, false, false]);
  });
});

describe('HubCache', () => {
  it('remembers what branches and tags stand for, of which a commit is none', () =>
    inFolder(async (folder) => {
      const cache = new HubCache(folder, 'tiny/model');
      cache.remember(COMMIT, COMMIT);
      assert.equal(existsSync(join(folder, 'models--tiny--model/refs')), false);
      cache.remember('refs/pr/1', COMMIT);
      assert.equal(cache.commitOf('refs/pr/1'), COMMIT);
      assert.deepEqual([cache.commitOf('main'), cache.commitOf(COMMIT)], [null, null]);
    }));

  it('links a file by its name to its blob, and copies it where no link can be made', () =>
    inFolder(async (folder) => {
      const cache = new HubCache(folder, 'tiny/model');
      writeFileSync(join(cache.blobs(), 'abc'), 'content');
      const file = join(cache.snapshot(COMMIT), 'vae/config.json');
      const link = () => cache.link(COMMIT, 'vae/config.json', 'abc');
      const { symlinkSync } = fs;
      const withoutLinks = (code: string) => {
        fs.symlinkSync = () => {
          throw Object.assign(new Error(`${code}: refused`), { code });
        };
        try {
          link();
        } finally {
          fs.symlinkSync = symlinkSync;
        }
      };
      for (const [make, isLink] of [
        [link, true],
        ...['EPERM', 'EACCES', 'ENOTSUP'].map((code) => [() => withoutLinks(code), false]),
      ] as [() => void, boolean][]) {
        make();
        assert.equal(lstatSync(file).isSymbolicLink(), isLink);
        assert.equal(readFileSync(file, 'utf8'), 'content');
      }
      assert.throws(() => withoutLinks('ENOSPC'), { code: 'ENOSPC' });
    }));
});
