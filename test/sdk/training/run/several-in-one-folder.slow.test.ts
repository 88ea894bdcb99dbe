import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readRunLog, readRunRecord } from '@flowbook/sdk';
import { textOnStderr } from '../../io/hub/text-on-stderr';
import { SMALL_RUNS, inFolder, loadSmall, withoutTimes, type SmallOptions } from './small-runs';

/** How a program is started. */
interface Start {
  /** Names of the trainings' prompts, one after the other on one model. */
  trainings: string[];
  resume?: boolean;
  /** Options of each training. Default: a checkpoint every other step. */
  options?: object;
  /** The training in which the process is killed, from 0, and the step after which; or once it has ended. */
  kill?: [training: number, step: number | 'end'];
}

/** Runs trainings of the same settings in one folder, in a process of their own. @returns The weights' hash after each, and what was said. */
function program(
  folder: string,
  { trainings, resume = false, kill, options = { checkpointEverySteps: 2 } }: Start,
) {
  const text = `
    const { createHash } = require('node:crypto');
    const { existsSync, readdirSync } = require('node:fs');
    const { setTimeout } = require('node:timers/promises');
    const { SMALL_RUNS, loadSmall, trainedWeights } = require(${JSON.stringify(join(__dirname, 'small-runs'))});
    const checkpoints = ${JSON.stringify(join(folder, 'checkpoints'))};
    const isWriting = () => existsSync(checkpoints) && readdirSync(checkpoints).some((name) => name.endsWith('.partial'));
    (async () => {
      const pipeline = await loadSmall('flow_grpo');
      for (const [at, name] of ${JSON.stringify(trainings)}.entries()) {
        const prompts = ['a fox', 'a cat', 'a house'].map((prompt) => prompt + name);
        await SMALL_RUNS.FlowGRPO.train(pipeline, {
          prompts,
          steps: 3,
          ...${JSON.stringify(options)},
          onStep: async ({ step }) => {
            if (at !== ${kill?.[0]} || step !== ${JSON.stringify(kill?.[1])}) return;
            while (isWriting()) await setTimeout(20);
            process.kill(process.pid, 'SIGKILL');
          },
        });
        if (at === ${kill?.[0]} && ${kill?.[1] === 'end'}) process.kill(process.pid, 'SIGKILL');
        const weights = JSON.stringify(trainedWeights(pipeline));
        console.log(createHash('sha256').update(weights).digest('hex'));
      }
    })();`;
  const { stdout, stderr, signal } = spawnSync(process.execPath, ['--import', 'tsx', '-e', text], {
    cwd: join(__dirname, '../../../..'),
    env: {
      ...process.env,
      FLOWBOOK_RUN_DIR: folder,
      FLOWBOOK_RESUME: resume ? 'auto' : '',
    },
    encoding: 'utf8',
  });
  assert.equal(signal, kill === undefined ? null : 'SIGKILL', stderr);
  return { weights: stdout.trim().split('\n'), stderr };
}

const stepsIn = (folder: string) => readRunLog(folder).lines.map(({ step }) => step);

describe('several trainings in one folder', function () {
  this.timeout(180_000);

  it('are told apart where their program is taken up again: each ends with its own weights', () =>
    inFolder(async (parent) => {
      const [whole, early, late] = ['whole', 'early', 'late'].map((name) => join(parent, name));
      const trainings = ['', ' by night'];
      const { weights } = program(whole, { trainings });
      assert.equal(new Set(weights).size, 2);
      // Before the second one's first checkpoint, the first one's last is there, and is gone on from.
      program(early, { trainings, kill: [1, 1] });
      const goesOn = program(early, { trainings, resume: true });
      assert.deepEqual(goesOn.weights, weights);
      // The log that it goes by is the first one's, which has all its steps.
      assert.doesNotMatch(goesOn.stderr, /Goes/);
      assert.deepEqual(
        withoutTimes(readRunLog(early).lines),
        withoutTimes(readRunLog(whole).lines),
      );
      // After it, that is the second one's: the program begins anew.
      program(late, { trainings, kill: [1, 'end'] });
      const again = program(late, { trainings, resume: true });
      assert.deepEqual(again.weights, weights);
      assert.match(
        again.stderr,
        /what it left lies in ".*earlier\/1" .*: it was training 2 of its program there, and this is the first\n/,
      );
      assert.deepEqual(withoutTimes(readRunLog(late).lines), withoutTimes(readRunLog(whole).lines));
    }));

  it('are told apart by their best checkpoints, too, and one of an earlier training is an older one', () =>
    inFolder(async (parent) => {
      const [whole, folder] = ['whole', 'run'].map((name) => join(parent, name));
      const trainings = ['', ' by night'];
      // The first one has left its last checkpoint of step 3, the second one its best of step 1.
      const options = { checkpointEverySteps: 9, bestMetric: 'reward' };
      const { weights } = program(whole, { trainings, options });
      program(folder, { trainings, options, kill: [1, 2] });
      const again = program(folder, { trainings, options, resume: true });
      assert.deepEqual(again.weights, weights);
      assert.match(again.stderr, /it was training 2 of its program there/);
    }));

  it('are told apart where the last one goes on in another folder, however often that is tried', () =>
    inFolder(async (parent) => {
      const { algorithm, train } = SMALL_RUNS.FlowGRPO;
      const [from, into] = ['from', 'into'].map((name) => join(parent, name));
      const run = async (options: SmallOptions) => {
        const pipeline = await loadSmall(algorithm);
        await textOnStderr(() => train(pipeline, options));
        pipeline.dispose();
      };
      await run({ runDirectory: from, steps: 2 });
      await run({ runDirectory: from, steps: 2, reward: 'jpeg_compressibility' });
      const { lines } = readRunLog(from);
      const goesOn = { resume: from, runDirectory: into, reward: 'jpeg_compressibility', steps: 3 };
      await run({ ...goesOn, signal: AbortSignal.abort() });
      assert.deepEqual(readRunLog(into).lines, lines.slice(2));
      await run(goesOn);
      assert.deepEqual(stepsIn(into), [1, 2, 3]);
    }));

  it('that were begun anew are not gone on with by what was there before', () =>
    inFolder(async (parent) => {
      const [whole, folder] = ['whole', 'run'].map((name) => join(parent, name));
      const trainings = [' by night'];
      const { weights } = program(whole, { trainings });
      program(folder, { trainings: [''] });
      const { stderr } = program(folder, { trainings, kill: [0, 1] });
      assert.match(stderr, /what it left lies in ".*earlier\/1" .*: resume was not asked for\n/);
      assert.deepEqual(stepsIn(folder), [1]);
      assert.deepEqual(program(folder, { trainings, resume: true }).weights, weights);
      assert.deepEqual(readRunRecord(folder)?.resumedAfter, []);
      assert.deepEqual(
        [stepsIn(folder), stepsIn(join(folder, 'earlier/1'))],
        [
          [1, 2, 3],
          [1, 2, 3],
        ],
      );
      assert.ok(readFileSync(join(folder, 'earlier/1/checkpoints/last/state.json')).length > 0);
    }));
});
