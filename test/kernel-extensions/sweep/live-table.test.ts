import assert from 'node:assert/strict';
import type { WriteStream } from 'node:tty';
import { LiveTable } from '../../../kernel-extensions/src/sweep/live-table';
import { inFolder } from '../../sdk/training/run/small-runs';

/** What a table of two waiting runs draws twice on a terminal. */
function drawnTwice(folder: string, columns: number, between = (_: LiveTable) => {}): string[] {
  const runs = ['1', '2'].map((id) => ({ id: `${id}-lr=0.0001`, parameters: {} }));
  const plan = { notebook: 'n.ipynb', script: 'n.ts', axes: [], random: null, runs };
  const texts: string[] = [];
  const write = (text: string) => texts.push(text) > 0;
  const stream = { isTTY: true, columns, rows: 24, write } as unknown as WriteStream;
  const table = new LiveTable(folder, plan, stream);
  table.begin();
  between(table);
  table.end();
  return texts;
}

describe('LiveTable', () => {
  it('draws no line that would wrap, and moves up by what it drew', () =>
    inFolder(async (folder) => {
      const cut = ['run        ', '1-lr=0.0001', '2-lr=0.0001'].map((line) => `${line}\n`).join('');
      assert.deepEqual(drawnTwice(folder, 11), [cut, `\u001b[3A\u001b[J${cut}`]);
    }));

  it('leaves a notice above it', () =>
    inFolder(async (folder) => {
      const [first, notice, again] = drawnTwice(folder, 9, (table) => table.notice('waits'));
      assert.equal(notice, '\u001b[3A\u001b[Jwaits\n');
      assert.equal(again, first);
    }));

  it('draws whole lines where the terminal does not say how wide it is', () =>
    inFolder(async (folder) => {
      assert.match(
        drawnTwice(folder, 0)[0],
        /^run +state +cell +step +reward +time\n1-lr=0\.0001 +waiting\n/,
      );
    }));
});
