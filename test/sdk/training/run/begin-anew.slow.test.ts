import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs, { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readRunLog, readRunPictures, readRunRecord } from '@flowbook/sdk';
import { RunLock } from '../../../../sdk/src/training/run/run-lock';
import { setRunAside } from '../../../../sdk/src/training/run/set-run-aside';
import { textOnStderr } from '../../io/hub/text-on-stderr';
import {
  SMALL_RUNS,
  inFolder,
  loadSmall,
  trainedWeights,
  withoutTimes,
  type SmallOptions,
} from './small-runs';

const { algorithm, train } = SMALL_RUNS.FlowGRPO;

/** Trains in a folder, and returns what is to be seen of it. */
async function run(runDirectory: string, options: SmallOptions) {
  const pipeline = await loadSmall(algorithm);
  try {
    let weights = {};
    const said = await textOnStderr(async () => {
      await train(pipeline, { runDirectory, checkpointEverySteps: 2, ...options });
      weights = trainedWeights(pipeline);
    });
    return { said, weights, log: withoutTimes(readRunLog(runDirectory).lines) };
  } finally {
    pipeline.dispose();
  }
}

/** The same in a process of its own, which is killed after its first step. */
function killedInStep1(runDirectory: string, options: SmallOptions): void {
  const program = `
    const { SMALL_RUNS, loadSmall } = require(${JSON.stringify(join(__dirname, 'small-runs'))});
    const options = ${JSON.stringify({ runDirectory, checkpointEverySteps: 2, ...options })};
    const onStep = () => process.kill(process.pid, 'SIGKILL');
    loadSmall('${algorithm}').then((pipeline) => SMALL_RUNS.FlowGRPO.train(pipeline, { ...options, onStep }));`;
  const { signal } = spawnSync(process.execPath, ['--import', 'tsx', '-e', program], {
    cwd: join(__dirname, '../../../..'),
    stdio: 'ignore',
  });
  assert.equal(signal, 'SIGKILL');
}

describe('a run in a folder where FLOWBOOK_RESUME=auto finds another run', () => {
  const EVALUATION = { prompts: ['a red fox'], everySteps: 2, numInferenceSteps: 2 };

  afterEach(() => {
    delete process.env.FLOWBOOK_RESUME;
  });

  it('sets that run aside, whole, and is itself also where it was killed before its first checkpoint', () =>
    inFolder(async (parent) => {
      const [folder, other] = [join(parent, 'run'), join(parent, 'other')];
      const whole = await run(other, { steps: 3, ema: 0.9 });
      const before = await run(folder, { evaluation: EVALUATION });
      const held = readdirSync(folder).sort();
      process.env.FLOWBOOK_RESUME = 'auto';
      killedInStep1(folder, { steps: 3, ema: 0.9 });
      assert.deepEqual(
        readRunLog(folder).lines.map(({ step }) => step),
        [1],
      );
      const { said, log, weights } = await run(folder, { steps: 3, ema: 0.9 });
      assert.equal(said, '');
      assert.deepEqual(readRunRecord(folder)?.resumedAfter, []);
      assert.deepEqual(log, whole.log);
      assert.deepEqual(weights, whole.weights);

      const earlier = join(folder, 'earlier/1');
      assert.deepEqual(readdirSync(earlier).sort(), held);
      assert.deepEqual(withoutTimes(readRunLog(earlier).lines), before.log);
      assert.equal(readRunPictures(earlier).length, 2);
      assert.equal(readRunRecord(earlier)?.state, 'finished');
      delete process.env.FLOWBOOK_RESUME;
      await run(earlier, { steps: 5, evaluation: EVALUATION, resume: true });
      assert.deepEqual(readRunRecord(earlier)?.resumedAfter, [4]);
    }));

  it('says so, with each setting that is another, and goes on with the run that began there', () =>
    inFolder(async (folder) => {
      await run(folder, { steps: 1 });
      process.env.FLOWBOOK_RESUME = 'auto';
      const { said } = await run(folder, { steps: 2, ema: 0.9 });
      const earlier = join(folder, 'earlier/1');
      assert.deepEqual(
        readRunRecord(folder)?.resumedAfter,
        [],
        'another number of steps is another run',
      );
      assert.equal(
        said,
        `Begins anew, as the run before was another; what it left lies in "${earlier}" (resume: "${earlier}" goes on with it all the same): settings.steps was 1, and is 2; settings.ema was null, and is 0.9\n`,
      );
      const goesOn = await run(folder, { steps: 3, ema: 0.9, resume: 'auto' });
      assert.deepEqual(readRunRecord(folder)?.resumedAfter, [2]);
      assert.match(goesOn.said, /Goes on .* settings.steps was 2, and is 3\n/);
      assert.equal(existsSync(join(folder, 'earlier/2')), false);
    }));

  it('says so also of a run by name, which begins in a folder of its own', () =>
    inFolder(async (parent) => {
      process.env.FLOWBOOK_RUN_DIR = parent;
      try {
        const named = { runDirectory: null, runName: 'shapes' };
        await run(parent, { ...named, steps: 1 });
        const [first] = readdirSync(parent);
        process.env.FLOWBOOK_RESUME = 'auto';
        const { said } = await run(parent, { ...named, steps: 2 });
        const second = readdirSync(parent).find((name) => name !== first)!;
        assert.equal(
          said,
          `Begins anew in "${join(parent, second)}", as the run before was another (resume: "${join(parent, first)}" goes on with it all the same): settings.steps was 1, and is 2\n`,
        );
      } finally {
        delete process.env.FLOWBOOK_RUN_DIR;
      }
    }));

  it('sets each run aside in a place of its own, whatever of it there is and wherever that was cut short', () =>
    inFolder(async (folder) => {
      const put = (record: string | null, log: string) => {
        mkdirSync(join(folder, 'checkpoints/last'), { recursive: true });
        writeFileSync(join(folder, 'checkpoints/last/state.json'), log);
        writeFileSync(join(folder, 'log.jsonl'), log);
        if (record !== null) writeFileSync(join(folder, 'run.json'), record);
      };
      const heldIn = (count: number) =>
        ['checkpoints/last/state.json', 'log.jsonl', 'run.json'].map((name) => {
          const path = join(folder, 'earlier', String(count), name);
          return existsSync(path) ? readFileSync(path, 'utf8') : null;
        });
      await textOnStderr(async () => {
        put(null, 'a');
        setRunAside(folder, ['it is another']);
        put('B', 'b');
        setRunAside(folder, ['it is another']);
        const rename = fs.renameSync;
        for (let renames = 0; renames < 3; renames++) {
          put(`C${renames}`, 'c');
          let left = renames;
          fs.renameSync = (from, to) => {
            if (left-- === 0) throw new Error('killed');
            rename(from, to);
          };
          try {
            assert.throws(() => setRunAside(folder, ['it is another']), /killed/);
          } finally {
            fs.renameSync = rename;
          }
          // What tells that the run is another goes after the log.
          assert.equal(existsSync(join(folder, 'checkpoints')), renames < 2);
          setRunAside(folder, ['it is another']);
          assert.deepEqual(heldIn(3 + renames), ['c', 'c', `C${renames}`]);
        }
      });
      assert.deepEqual(
        [heldIn(1), heldIn(2)],
        [
          ['a', 'a', null],
          ['b', 'b', 'B'],
        ],
      );
      assert.deepEqual(readdirSync(folder), ['earlier']);
    }));

  it('takes a folder over that it was refused before', () =>
    inFolder(async (folder) => {
      killedInStep1(folder, {});
      const lock = await RunLock.take(folder);
      await assert.rejects(run(folder, {}), /one trainer at a time/);
      lock.release();
      const { said } = await run(folder, { steps: 1 });
      assert.match(said, /what it left lies in ".*earlier\/1" .*: resume was not asked for\n/);
      assert.equal(readRunLog(folder).lines.length, 1);
    }));
});
