import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { followRun } from '../../../kernel-extensions/src/runs/follow-run';
import { newRecord, writeRecord } from '../../../kernel-extensions/src/script/script-record';

describe('followRun()', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'flowbook-follow-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('prints each line of every training of a run', async () => {
    const record = newRecord({ notebook: 'a.ipynb', file: 'a.ts', parameters: {} });
    const train = (name: string, steps: number[]) => {
      mkdirSync(join(folder, name), { recursive: true });
      const lines = steps.map(
        (step) => `${JSON.stringify({ step, seconds: step, reward: 0.5 })}\n`,
      );
      appendFileSync(join(folder, name, 'log.jsonl'), lines.join(''));
    };
    writeRecord(folder, record);
    train('1-first', [1, 2, 3]);
    const printed: string[] = [];
    const { write } = process.stdout;
    process.stdout.write = (text: string | Uint8Array) => printed.push(String(text)) > 0;
    const seen = async (count: number): Promise<void> => {
      if (printed.length >= count) return;
      await new Promise((done) => setTimeout(done, 10));
      await seen(count);
    };
    try {
      const followed = followRun(folder);
      await seen(3);
      train('2-second', [1, 2]);
      await seen(5);
      train('2-second', [3]);
      writeRecord(folder, { ...record, state: 'done', exitCode: 0 });
      assert.equal(await followed, 0);
    } finally {
      process.stdout.write = write;
    }
    const steps = [1, 2, 3, 1, 2, 3].map((step) => `step ${step}, reward 0.5\n`);
    assert.deepEqual(printed, [...steps, 'done\n']);
  });
});
