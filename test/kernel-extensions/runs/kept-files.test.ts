import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { attach } from '@flowbook/kernel-extensions';
import { exitCodes, stoppedCode } from '../../../kernel-extensions/src/script/exit-codes';
import { summarizeRun } from '../../../kernel-extensions/src/runs/run-summary';
import {
  CellCheckpoints,
  forgetKeptCells,
} from '../../../kernel-extensions/src/script/cell-checkpoints';
import { readPrintedText } from '../../../kernel-extensions/src/script/printed-text';
import { endedCells } from '../../../kernel-extensions/src/script/progress';
import { isTraining } from '../../../kernel-extensions/src/run-folder/run-folders';
import { readResults } from '../../../kernel-extensions/src/script/results';
import { pageFile, writeRunPage } from '../../../kernel-extensions/src/script/run-page';
import { newRecord, readRecord } from '../../../kernel-extensions/src/script/script-record';
import { readPlan, type SweepPlan } from '../../../kernel-extensions/src/sweep/plan';
import { inFolder } from '../../sdk/training/run/small-runs';
import { RUN_RECORD } from '../../trust/run-record';

/** Writes a file of a run's folder. @returns Its path. */
function put(folder: string, name: string, content: unknown): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const linesOf = (...rows: unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

const isRefused = (read: () => unknown, message: string) => assert.throws(read, { message });

describe('run.json that is damaged', () => {
  it('attach() names file, field and value', () =>
    inFolder(async (folder) => {
      const path = put(folder, 'run.json', { ...RUN_RECORD, steps: 'all' });
      await assert.rejects(attach(folder), {
        message: `Cannot read "${path}" as its steps must be a whole number from 0: current value is "all"`,
      });
      put(folder, 'run.json', '{"state":"fin');
      await assert.rejects(attach(folder), ({ message }: Error) =>
        message.startsWith(`Cannot read "${path}" as it must be JSON: `),
      );
    }));

  it('stoppedCode() promises no resumption of it, and isTraining() takes it for none', () =>
    inFolder(async (folder) => {
      put(folder, 'checkpoints/last/state.json', {});
      put(folder, 'run.json', RUN_RECORD);
      assert.equal(stoppedCode('SIGTERM', folder), exitCodes.toResume);
      put(folder, 'run.json', { ...RUN_RECORD, step: null });
      assert.equal(stoppedCode('SIGTERM', folder), exitCodes.terminated);
      const own = { pid: process.pid, host: hostname() };
      put(folder, 'run.json', { ...RUN_RECORD, state: 'running', process: own });
      assert.equal(isTraining(folder), true);
      put(folder, 'run.json', '{"state":"running"');
      assert.equal(isTraining(folder), false);
    }));
});

describe('script.json', () => {
  const record = newRecord({ notebook: 'n.ipynb', file: 'n.ts', parameters: { lr: 1 } });

  it('is the record of a run when its fields are one’s; else the folder is no run', () =>
    inFolder(async (folder) => {
      put(folder, 'script.json', record);
      assert.deepEqual(readRecord(folder), { ...record, lost: false });
      for (const changes of [
        { state: 'ended' },
        { parameters: 'lr=1' },
        { seconds: '3' },
        { seconds: -1 },
        { process: { pid: 0, host: 'a' } },
        { notebook: undefined },
        { exitCode: 1e300 },
      ]) {
        put(folder, 'script.json', { ...record, ...changes });
        assert.equal(readRecord(folder), null, JSON.stringify(changes));
        assert.equal(summarizeRun(folder).state, 'waiting');
      }
      put(folder, 'script.json', JSON.stringify(record).slice(0, -9));
      assert.equal(readRecord(folder), null);
    }));

  it('gives no prototype', () =>
    inFolder(async (folder) => {
      const text = JSON.stringify(record).replace('{"lr"', '{"__proto__":{"polluted":1},"lr"');
      put(folder, 'script.json', text.replace('{', '{"__proto__":{"polluted":1},'));
      const read = readRecord(folder)!;
      assert.deepEqual(read.parameters, { lr: 1 });
      for (const one of [read, read.parameters, {}]) {
        assert.equal((one as { polluted?: number }).polluted, undefined);
      }
    }));
});

describe('lines that cells leave', () => {
  const torn = '{"cell":"b","te';

  it('readResults(), readPrintedText() and endedCells() leave out a last line that is not whole', () =>
    inFolder(async (folder) => {
      assert.deepEqual(readResults(folder), []);
      const row = { cell: 'a', text: '1' };
      put(folder, 'results.jsonl', linesOf(row, { cell: 'a', files: ['1-a.png'] }) + torn);
      assert.deepEqual(readResults(folder), [row, { cell: 'a', files: ['1-a.png'] }]);
      put(folder, 'printed.jsonl', linesOf(row, { cell: null, text: 'x' }, row) + torn);
      assert.deepEqual(
        [...readPrintedText(folder)],
        [
          ['a', '11'],
          ['', 'x'],
        ],
      );
      const done = { event: 'cell', cell: 'a', state: 'done', seconds: 1.5 };
      const running = { event: 'cell', cell: 'b', state: 'running' };
      // Cut off right after an inner bracket.
      put(
        folder,
        'progress.jsonl',
        `${linesOf(done, running, { event: 'end' })}{"event":"cell","a":{}`,
      );
      assert.deepEqual(endedCells(folder), [{ cell: 'a', state: 'done', seconds: 1.5 }]);
    }));

  it('and name file, line, field and value of what no run writes', () =>
    inFolder(async (folder) => {
      const row = { cell: 'a', text: '1' };
      const results = put(folder, 'results.jsonl', linesOf(row, { cell: 'a', text: 5 }));
      isRefused(
        () => readResults(folder),
        `Cannot read "${results}" as text of row 2 must be a text: current value is 5`,
      );
      const printed = put(folder, 'printed.jsonl', linesOf(row, { ...row, cell: 3 }));
      isRefused(
        () => readPrintedText(folder),
        `Cannot read "${printed}" as cell of row 2 must be a text, or null: current value is 3`,
      );
      put(folder, 'printed.jsonl', linesOf(null));
      isRefused(
        () => readPrintedText(folder),
        `Cannot read "${printed}" as row 1 must be an object: current value is null`,
      );
      put(folder, 'printed.jsonl', '{"cell"\n');
      assert.throws(
        () => readPrintedText(folder),
        ({ message }: Error) =>
          message.startsWith(`Cannot read "${printed}" as row 1 must be JSON: `),
      );
      const progress = put(
        folder,
        'progress.jsonl',
        linesOf({ event: 'cell', cell: 'a', state: 'done', seconds: 'long' }),
      );
      isRefused(
        () => endedCells(folder),
        `Cannot read "${progress}" as seconds of row 1 must be a number: current value is "long"`,
      );
    }));

  it('writeRunPage() makes a page of a run that a crash cut off', () =>
    inFolder(async (folder) => {
      const record = newRecord({ notebook: 'n.ipynb', file: 'n.ts', parameters: {} });
      put(folder, 'script.json', { ...record, cell: 'a' });
      put(folder, 'progress.jsonl', linesOf({ event: 'cell', cell: 'a', state: 'running' }));
      put(folder, 'printed.jsonl', linesOf({ cell: 'a', text: 'printed by a' }) + torn);
      put(folder, 'results.jsonl', linesOf({ cell: 'a', text: '42' }) + torn);
      writeRunPage(folder, []);
      const page = readFileSync(join(folder, pageFile), 'utf8');
      assert.ok(page.includes('printed by a') && page.includes('42'));
    }));
});

describe('sweep.json', () => {
  const plan: SweepPlan = {
    notebook: '../n.ipynb',
    script: 'n.ts',
    axes: [
      { name: 'lr', kind: 'list', values: ['1', '2'] },
      { name: 'seed', kind: 'range', from: 1, to: 3, by: 'whole' },
    ],
    random: { count: 1, seed: 0 },
    runs: [{ id: '1-lr=1e-4-seed=1', parameters: { lr: '1e-4', seed: '1' } }],
  };

  it('readPlan() gives what was written; null where there is none', () =>
    inFolder(async (folder) => {
      assert.equal(readPlan(folder), null);
      put(folder, 'sweep.json', plan);
      assert.deepEqual(readPlan(folder), plan);
    }));

  it('readPlan() refuses names that lead out of the folder, and fields of other kinds', () =>
    inFolder(async (folder) => {
      const [run] = plan.runs;
      const outside = 'must be a name without folders: current value is';
      const wrong: [object, string][] = [
        [{ script: '../../other.ts' }, `its script ${outside} "../../other.ts"`],
        [{ script: '/tmp/other.ts' }, `its script ${outside} "/tmp/other.ts"`],
        [{ runs: [{ ...run, id: '../1' }] }, `its runs.0.id ${outside} "../1"`],
        [{ runs: [{ ...run, id: '..' }] }, `its runs.0.id ${outside} ".."`],
        [
          { runs: [{ ...run, parameters: { lr: 1 } }] },
          'its runs.0.parameters.lr must be a text: current value is 1',
        ],
        [{ runs: 'all' }, 'its runs must be a list: current value is "all"'],
        [
          { axes: [{ name: 'lr', kind: 'set' }] },
          'its axes.0.kind must be an object whose kind is list or range: current value is "set"',
        ],
        [
          { random: { count: '1', seed: 0 } },
          'its random.count must be a number: current value is "1"',
        ],
      ];
      for (const [changes, says] of wrong) {
        const path = put(folder, 'sweep.json', { ...plan, ...changes });
        assert.throws(() => readPlan(folder), {
          name: 'SweepError',
          message: `Cannot read "${path}" as ${says}`,
        });
      }
      const path = put(folder, 'sweep.json', JSON.stringify(plan).slice(0, 50));
      assert.throws(
        () => readPlan(folder),
        ({ name, message }: Error) =>
          name === 'SweepError' && message.startsWith(`Cannot read "${path}" as it must be JSON: `),
      );
    }));
});

describe('what a cell has kept', () => {
  it('CellCheckpoints.read() names a file that is damaged, and gives none of it', () =>
    inFolder(async (folder) => {
      const script = '// %% [a]\nlet x = 1;\n';
      const kept = {
        values: { x: 1 },
        printed: 'p',
        results: [],
        displays: 0,
        files: [],
        random: 7,
      };
      const cells = new CellCheckpoints(folder, script, {});
      cells.write('a', kept);
      assert.deepEqual(cells.read('a'), kept);
      const path = join(folder, 'cells/a.bin');
      const whole = readFileSync(path);
      for (const bytes of [whole.subarray(0, 30), Buffer.from('no cell'), Buffer.alloc(0)]) {
        writeFileSync(path, bytes);
        isRefused(
          () => cells.read('a'),
          `Cannot restore cell [a] as "${path}" must hold what a run has kept of it: it is damaged; remove it to run the cell again`,
        );
      }
      const other = new CellCheckpoints(folder, script, { lr: 2 });
      writeFileSync(path, whole);
      assert.equal(other.read('a'), null);
    }));

  it('forgetKeptCells() leaves what no run has kept', () =>
    inFolder(async (folder) => {
      const kept = { values: {}, printed: '', results: [], displays: 0, files: [], random: null };
      new CellCheckpoints(folder, '// %% [a]\n', {}).write('a', kept);
      const own = ['cells/plate.bin', 'cells/plate.tif'].map((name) => put(folder, name, 'mine'));
      mkdirSync(join(folder, 'cells/raw.bin'));
      forgetKeptCells(folder);
      assert.equal(existsSync(join(folder, 'cells/a.bin')), false);
      for (const path of own) assert.equal(readFileSync(path, 'utf8'), 'mine');
    }));
});
