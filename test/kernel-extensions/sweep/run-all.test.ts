import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runAll } from '../../../kernel-extensions/src/sweep/run-all';
import { textOnStderr } from '../../sdk/io/hub/text-on-stderr';

describe('runAll()', function () {
  this.timeout(120_000);

  it('ends all runs when what watches them fails, says so once, and listens once to its signal', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'flowbook-sweep-'));
    try {
      writeFileSync(join(folder, 'nothing.ts'), '');
      const runs = ['1', '2', '3'].map((id) => ({ id, parameters: {} }));
      const plan = {
        notebook: 'nothing.ipynb',
        script: 'nothing.ts',
        axes: [],
        random: null,
        runs,
      };
      const { signal } = new AbortController();
      const listeners: number[] = [];
      const ends: unknown[] = [];
      const said = await textOnStderr(() =>
        runAll(folder, plan, {
          jobs: 3,
          retries: 0,
          signal,
          onChange: (run, what, code) => {
            listeners.push(getEventListeners(signal, 'abort').length);
            if (what === 'ends') ends.push([run.id, code]);
            throw new Error('no screen');
          },
        }),
      );
      assert.equal(said, 'What watches runs failed, and the sweep goes on: no screen\n');
      assert.deepEqual(ends.sort(), [
        ['1', 0],
        ['2', 0],
        ['3', 0],
      ]);
      assert.equal(Math.max(...listeners), 1);
      assert.equal(getEventListeners(signal, 'abort').length, 0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
