import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readRunPictures, readRunRecord } from '@flowbook/sdk';
import { RUN_PICTURE, RUN_RECORD } from '../../../trust/run-record';
import { SMALL_RUNS, inFolder, loadSmall } from './small-runs';

/** Writes a file of a run's folder. @returns Its path. */
function put(folder: string, name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

const putRecord = (folder: string, changes: object) =>
  put(folder, 'run.json', JSON.stringify({ ...RUN_RECORD, ...changes }));

describe('readRunRecord()', () => {
  it('gives what was written; null where there is none', () =>
    inFolder(async (folder) => {
      assert.equal(readRunRecord(folder), null);
      putRecord(folder, {});
      assert.deepEqual(readRunRecord(folder), RUN_RECORD);
    }));

  const wrong: [what: object, says: string][] = [
    [
      { state: 'done' },
      'its state must be one of running, finished, aborted, stopped-early, failed: current value is "done"',
    ],
    [{ step: '2' }, 'its step must be a whole number from 0: current value is "2"'],
    [{ steps: 1e300 }, 'its steps must be a whole number from 0: current value is 1e+300'],
    [{ seconds: -1 }, 'its seconds must be a number from 0: current value is -1'],
    [{ started: 5 }, 'its started must be a text: current value is 5'],
    [{ resumedAfter: null }, 'its resumedAfter must be a list: current value is null'],
    [
      { resumedAfter: [1, 2.5] },
      'its resumedAfter.1 must be a whole number from 0: current value is 2.5',
    ],
    [{ seed: null }, 'its seed must be a number: current value is null'],
    [{ trainer: 'all' }, 'its trainer must be an object: current value is "all"'],
    [{ versions: { node: 20 } }, 'its versions.node must be a text, or null: current value is 20'],
    [{ process: null }, 'its process must be an object: current value is null'],
    [
      { process: { pid: 'self', host: 'a' } },
      'its process.pid must be a whole number from 1: current value is "self"',
    ],
    [
      { git: { commit: 'a' } },
      'its git.isChanged must be true or false: current value is undefined',
    ],
  ];
  for (const [changes, says] of wrong) {
    it(`refuses ${JSON.stringify(changes)} by its name`, () =>
      inFolder(async (folder) => {
        const path = putRecord(folder, changes);
        assert.throws(() => readRunRecord(folder), { message: `Cannot read "${path}" as ${says}` });
      }));
  }

  it('refuses a file that was cut off, a list, and a number beyond all', () =>
    inFolder(async (folder) => {
      const text = JSON.stringify(RUN_RECORD);
      const path = put(folder, 'run.json', text.slice(0, -20));
      const start = `Cannot read "${path}" as`;
      const isRefused = (rest: string) =>
        assert.throws(
          () => readRunRecord(folder),
          ({ message }: Error) => message.startsWith(`${start} ${rest}`),
        );
      isRefused('it must be JSON: ');
      put(folder, 'run.json', '[1]');
      isRefused('it must hold a JSON object: current value is');
      put(folder, 'run.json', text.replace('"seconds":1.5', '"seconds":1e999'));
      isRefused('its seconds must be a number from 0: current value is Infinity');
    }));

  it('leaves out what no record has, a prototype above all', () =>
    inFolder(async (folder) => {
      const text = JSON.stringify(RUN_RECORD);
      const extra = '"__proto__":{"polluted":1},"constructor":{"polluted":1},"more":1,';
      put(
        folder,
        'run.json',
        text
          .replace('{', `{${extra}`)
          .replace('"trainer":{', '"trainer":{"__proto__":{"polluted":1},'),
      );
      const record = readRunRecord(folder)!;
      assert.deepEqual(record, RUN_RECORD);
      for (const one of [record, record.trainer, {}]) {
        assert.equal((one as { polluted?: number }).polluted, undefined);
      }
    }));
});

describe('a run whose run.json is damaged', () => {
  it('is not taken up again: the message names file and field, and the folder is free', () =>
    inFolder(async (folder) => {
      const { algorithm, train } = SMALL_RUNS['offline Diffusion-DPO'];
      const pipeline = await loadSmall(algorithm);
      try {
        await train(pipeline, { steps: 1, runDirectory: folder });
        const whole = readFileSync(join(folder, 'run.json'), 'utf8');
        const goOn = () => train(pipeline, { steps: 2, runDirectory: folder, resume: true });
        const path = put(
          folder,
          'run.json',
          whole.replace('"resumedAfter": []', '"resumedAfter": 0'),
        );
        await assert.rejects(goOn(), {
          message: `Cannot read "${path}" as its resumedAfter must be a list: current value is 0`,
        });
        assert.equal(existsSync(join(folder, 'lock.json')), false);
        put(folder, 'run.json', whole);
        const { stopped } = await goOn();
        assert.equal(stopped, 'finished');
        assert.deepEqual(readRunRecord(folder)!.resumedAfter, [1]);
      } finally {
        pipeline.dispose();
      }
    }));
});

describe('readRunPictures()', () => {
  const putPicture = (folder: string, changes: object) =>
    put(folder, 'pictures/index.jsonl', `${JSON.stringify({ ...RUN_PICTURE, ...changes })}\n`);

  it('gives what was written, a reward that JSON has no number for as NaN', () =>
    inFolder(async (folder) => {
      putPicture(folder, {});
      assert.deepEqual(readRunPictures(folder), [RUN_PICTURE]);
      putPicture(folder, { reward: NaN });
      assert.deepEqual(readRunPictures(folder), [{ ...RUN_PICTURE, reward: NaN }]);
    }));

  it('refuses a file outside of the folder of pictures, and fields of other kinds', () =>
    inFolder(async (folder) => {
      const wrong: [object, string][] = [
        [
          { file: '../../secret.png' },
          'file of row 1 must be like "step-000010-00.png": current value is "../../secret.png"',
        ],
        [{ step: -1 }, 'step of row 1 must be a whole number from 0: current value is -1'],
        [{ reward: '1' }, 'reward of row 1 must be a number, or null: current value is "1"'],
        [{ verdict: 1 }, 'verdict of row 1 must be true, false or null: current value is 1'],
      ];
      for (const [changes, says] of wrong) {
        const path = putPicture(folder, changes);
        assert.throws(() => readRunPictures(folder), {
          message: `Cannot read "${path}" as ${says}`,
        });
      }
      const path = put(folder, 'pictures/index.jsonl', '5\n');
      assert.throws(() => readRunPictures(folder), {
        message: `Cannot read "${path}" as row 1 must be an object: current value is 5`,
      });
    }));
});
