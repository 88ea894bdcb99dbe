import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ownProcess } from '@flowbook/sdk/process-identity';
import { newRecord, readRecord } from '../../../kernel-extensions/src/script/script-record';
import { runAll } from '../../../kernel-extensions/src/sweep/run-all';
import { textOnStderr } from '../../sdk/io/hub/text-on-stderr';
import { inFolder } from '../../sdk/training/run/small-runs';

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

  const ELSEWHERE = { pid: 7, host: 'elsewhere', place: 'another machine', began: '1' };

  /** Takes up a sweep of one run whose record says that a process runs it. @returns What was noticed, and how it ended. */
  async function takeUp(folder: string, by: object, noticed: (line: string, file: string) => void) {
    const of = { notebook: 'n.ipynb', file: 'n.ts', parameters: {} };
    const file = join(folder, '1/script.json');
    mkdirSync(join(folder, '1'));
    writeFileSync(join(folder, 'n.ts'), '');
    writeFileSync(file, JSON.stringify({ ...newRecord(of), process: by }));
    const plan = { ...of, script: 'n.ts', axes: [], random: null };
    const lines: string[] = [];
    let code: number | null = null;
    await runAll(
      folder,
      { ...plan, runs: [{ id: '1', parameters: {} }] },
      {
        jobs: 1,
        retries: 0,
        signal: new AbortController().signal,
        watchMs: 600,
        onChange: (_run, what, exitCode) => void (what === 'ends' && (code = exitCode)),
        onNotice: (line) => {
          lines.push(line.replace(file, 'FILE'));
          noticed(line, file);
        },
      },
    );
    assert.equal(code, 0);
    return lines;
  }

  it('takes up a run whose process is gone and whose number another one has now', () =>
    inFolder(async (folder) => {
      const { began, ...own } = ownProcess();
      if (began === null) return;
      assert.deepEqual(await takeUp(folder, { ...own, began: '1' }, () => {}), []);
      assert.ok(existsSync(join(folder, '1/stdout.log')));
    }));

  it('waits for a run on another machine while its record shows a sign of life, and says so', () =>
    inFolder(async (folder) => {
      let beats = 0;
      const lines = await takeUp(folder, ELSEWHERE, (line, file) => {
        if (!line.includes('waited')) return assert.equal(beats, 20);
        const beat = setInterval(() => {
          utimesSync(file, 1, (beats += 1));
          if (beats === 20) clearInterval(beat);
        }, 50);
      });
      assert.deepEqual(lines, [
        '1 is waited for: by "FILE" process 7 on elsewhere runs it',
        '1 is taken up: "FILE" showed no sign of life for 0.6 s',
      ]);
    }));

  it('takes the outcome of a run on another machine that ends while it is waited for', () =>
    inFolder(async (folder) => {
      const lines = await takeUp(folder, ELSEWHERE, (_line, file) => {
        const record = readRecord(join(folder, '1'));
        writeFileSync(file, JSON.stringify({ ...record, state: 'done', exitCode: 0 }));
      });
      assert.equal(lines.length, 1);
      assert.ok(!existsSync(join(folder, '1/stdout.log')), 'it was not run again');
    }));
});
