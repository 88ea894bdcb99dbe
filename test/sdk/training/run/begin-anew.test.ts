import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readRunLog, readRunPictures, readRunRecord } from '@flowbook/sdk';
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
});
