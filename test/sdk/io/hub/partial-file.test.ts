import assert from 'node:assert/strict';
import fs, { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { claimPartial } from '../../../../sdk/src/io/hub/partial-file';
import { inFolder } from '../../training/run/small-runs';

describe('claimPartial()', () => {
  const refuseOnce = (code: string, work: () => void) => {
    const { renameSync } = fs;
    fs.renameSync = () => {
      fs.renameSync = renameSync;
      throw Object.assign(new Error(`${code}: refused`), { code });
    };
    try {
      work();
    } finally {
      fs.renameSync = renameSync;
    }
  };

  it('takes over the longest that was left, or the next one where another process was faster', () =>
    inFolder(async (folder) => {
      const blob = join(folder, 'abc');
      // No process has a number as high.
      writeFileSync(`${blob}.4194999-01234567.incomplete`, 'long');
      writeFileSync(`${blob}.incomplete`, 'no');
      refuseOnce('ENOENT', () => assert.equal(readFileSync(claimPartial(blob), 'utf8'), 'no'));
      assert.equal(readFileSync(claimPartial(blob), 'utf8'), 'long');
      assert.equal(existsSync(claimPartial(blob)), false);
    }));

  it('says why what was left cannot be taken over', () =>
    inFolder(async (folder) => {
      const blob = join(folder, 'abc');
      writeFileSync(`${blob}.incomplete`, 'left');
      refuseOnce('EACCES', () => assert.throws(() => claimPartial(blob), { code: 'EACCES' }));
    }));
});
