import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { RunRecord } from '@flowbook/sdk';
import { followRun } from '../../../kernel-extensions/src/runs/follow-run';
import { listRuns } from '../../../kernel-extensions/src/runs/list-runs';
import {
  picturesOf,
  summarizeRun,
  type RunSummary,
} from '../../../kernel-extensions/src/runs/run-summary';
import { newRecord, writeRecord } from '../../../kernel-extensions/src/script/script-record';
import { textOnStderr } from '../../sdk/io/hub/text-on-stderr';
import { inFolder } from '../../sdk/training/run/small-runs';
import { RUN_RECORD } from '../../trust/run-record';

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

  describe('of a training that no script runs', () => {
    const put = (changes: Partial<RunRecord>): void =>
      writeFileSync(join(folder, 'run.json'), JSON.stringify({ ...RUN_RECORD, ...changes }));
    const follow = async () => {
      let code: number | null = null;
      const text = await textOnStdout(async () => (code = await followRun(folder)));
      return { code, text };
    };

    it('prints steps and alarms, how it ended, and gives the exit code that a script would', async () => {
      const alarm = {
        step: 2,
        name: 'notFinite',
        symptom: 'reward not finite',
        cause: 'c',
        action: 'a',
      };
      const rows = [
        { step: 1, seconds: 1, reward: 0.5 },
        { step: 2, seconds: 2, reward: null },
      ];
      const lines = [...rows, { step: 2, alarm }].map((row) => `${JSON.stringify(row)}\n`);
      writeFileSync(join(folder, 'log.jsonl'), lines.join(''));
      const said =
        'step 1, reward 0.5\nstep 2, reward NaN\n⚠ Step 2: reward not finite. Cause: c. What to do: a.\n';
      put({ state: 'finished' });
      assert.deepEqual(await follow(), { code: 0, text: `${said}done\n` });
      put({ state: 'stopped-early' });
      assert.deepEqual(await follow(), { code: 0, text: `${said}done\n` });
      put({ state: 'failed', error: 'Error: no' });
      assert.deepEqual(await follow(), { code: 1, text: `${said}failed: Error: no\n` });
      put({ state: 'running', process: { pid: 2 ** 22 + 1, host: hostname() } });
      assert.deepEqual(await follow(), { code: 1, text: `${said}lost\n` });
      put({ state: 'aborted' });
      assert.deepEqual(await follow(), { code: 143, text: `${said}stopped\n` });
      mkdirSync(join(folder, 'checkpoints/last'), { recursive: true });
      writeFileSync(join(folder, 'checkpoints/last/state.json'), '{}');
      assert.deepEqual(await follow(), { code: 75, text: `${said}stopped\n` });
    });

    it('waits for its end', async () => {
      put({ state: 'running', process: { pid: process.pid, host: hostname() } });
      const followed = follow();
      setTimeout(() => put({ state: 'finished' }), 50);
      assert.deepEqual(await followed, { code: 0, text: 'done\n' });
    });

    it('is listed by its own state, seconds and error', async () => {
      put({ state: 'failed', error: 'Error: no', seconds: 7 });
      const text = await textOnStdout(async () => assert.equal(listRuns(folder, true), 0));
      const { state, seconds, error } = JSON.parse(text) as RunSummary;
      assert.deepEqual([state, seconds, error], ['failed', 7, 'Error: no']);
      put({ state: 'running', process: { pid: 2 ** 22 + 1, host: hostname() } });
      assert.equal(summarizeRun(folder).state, 'lost');
      put({ state: 'finished' });
      assert.equal(summarizeRun(folder).state, 'done');
      writeFileSync(join(folder, 'run.json'), '{"of": "something else"}');
      assert.equal(summarizeRun(folder).state, 'waiting');
    });

    it('is listed beside those that its folder holds', async () => {
      put({});
      const inner = join(folder, 'earlier/1');
      mkdirSync(inner, { recursive: true });
      writeFileSync(join(inner, 'run.json'), JSON.stringify(RUN_RECORD));
      const text = await textOnStdout(async () => assert.equal(listRuns(folder, true), 0));
      const names = text
        .trim()
        .split('\n')
        .map((row) => (JSON.parse(row) as RunSummary).name);
      assert.deepEqual(names, [basename(folder), 'earlier/1']);
    });
  });

  it('refuses a folder that holds neither record', async () => {
    const said = await textOnStderr(async () => assert.equal(await followRun(folder), 2));
    assert.equal(
      said,
      `Cannot attach as the folder must hold a run's script.json or run.json: current value is ${folder}\n`,
    );
  });
});

describe('picturesOf()', () => {
  it('has the last display by its number', () =>
    inFolder(async (folder) => {
      for (const name of ['99-a.png', '100-b.png', '09-c.png'])
        writeFileSync(join(folder, name), '');
      assert.deepEqual(picturesOf(folder), [join(folder, '100-b.png')]);
    }));
});

/** What `work` writes to stdout. */
async function textOnStdout(work: () => Promise<unknown>): Promise<string> {
  const { write } = process.stdout;
  let text = '';
  process.stdout.write = (part: string | Uint8Array) => (text += String(part)) !== '';
  try {
    await work();
  } finally {
    process.stdout.write = write;
  }
  return text;
}
