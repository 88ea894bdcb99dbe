import assert from 'node:assert/strict';
import { join } from 'node:path';
import { showsLife } from '@flowbook/sdk/sign-of-life';
import {
  newRecord,
  readRecord,
  recordFile,
  writeRecord,
} from '../../../kernel-extensions/src/script/script-record';
import { inFolder } from '../../sdk/training/run/small-runs';

describe('script.json', () => {
  it('shows a sign of life as long as it says that its run goes on', () =>
    inFolder(async (folder) => {
      const record = newRecord({ notebook: 'n.ipynb', file: 'n.ts', parameters: {} });
      const file = join(folder, recordFile);
      writeRecord(folder, record);
      assert.equal(readRecord(folder)?.lost, false);
      assert.equal(await showsLife(file), true);
      writeRecord(folder, { ...record, state: 'done' });
      assert.equal(await showsLife(file, 3_000), false);
    }));

  it('says of a process whose number another one has now that its run is lost', () =>
    inFolder(async (folder) => {
      const record = newRecord({ notebook: 'n.ipynb', file: 'n.ts', parameters: {} });
      if (record.process.began === null) return;
      for (const change of [{ began: '1' }, { place: 'an earlier start' }]) {
        writeRecord(folder, { ...record, process: { ...record.process, ...change } });
        assert.equal(readRecord(folder)?.lost, true);
      }
      writeRecord(folder, { ...record, state: 'failed' });
    }));
});
