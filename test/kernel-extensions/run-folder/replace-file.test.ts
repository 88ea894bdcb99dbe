import assert from 'node:assert/strict';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '../../../kernel-extensions/src/run-folder/replace-file';
import { inFolder } from '../../sdk/training/run/small-runs';

describe('replaceFile()', () => {
  it('writes what a link leads to, and leaves the link and nothing else', () =>
    inFolder(async (folder) => {
      mkdirSync(join(folder, 'kept'));
      const [file, link] = [join(folder, 'kept', 'n.ipynb'), join(folder, 'linked.ipynb')];
      writeFileSync(file, 'before');
      symlinkSync(join('kept', 'n.ipynb'), link);
      replaceFile(link, 'after');
      assert.equal(readFileSync(file, 'utf8'), 'after');
      assert.ok(lstatSync(link).isSymbolicLink());
      assert.deepEqual(readdirSync(folder).sort(), ['kept', 'linked.ipynb']);
      assert.deepEqual(readdirSync(join(folder, 'kept')), ['n.ipynb']);
    }));

  it('keeps permissions, those that a mask would take away too', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'a');
      for (const mode of [0o600, 0o666, 0o755]) {
        writeFileSync(file, 'before');
        chmodSync(file, mode);
        replaceFile(file, 'after');
        assert.equal(statSync(file).mode & 0o777, mode);
      }
      assert.equal(readFileSync(file, 'utf8'), 'after');
    }));

  it('leaves nothing behind where it cannot write', () =>
    inFolder(async (folder) => {
      mkdirSync(join(folder, 'a'));
      assert.throws(() => replaceFile(join(folder, 'a'), 'text'), { code: 'EISDIR' });
      assert.deepEqual(readdirSync(folder), ['a']);
    }));
});
