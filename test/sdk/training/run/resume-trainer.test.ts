import assert from 'node:assert/strict';
import {
  existsSync,
  readFileSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import {
  FlowGRPOTrainer,
  readRunLog,
  readRunPictures,
  readRunRecord,
  runTraining,
  trainFlowGRPO,
  type FlowGRPOOptions,
  type RolloutPipeline,
} from '@flowbook/sdk';
import { whatIsBroken } from '../../../../sdk/src/training/run/checkpoint-manifest';
import { withFaultyDisk } from '../../../trust/faulty-disk';
import { textOnStderr } from '../../io/hub/text-on-stderr';
import { inFolder, loadSmall, ratedBy, trainedWeights, withoutTimes } from './small-runs';

const OPTIONS = {
  prompts: ['a red fox', 'two cats'],
  reward: 'redness',
  promptsPerStep: 1,
  groupSize: 2,
  steps: 3,
  compile: false,
  clipRatio: 1,
  learningRate: 1e-3,
  sdeWindowRange: [0, 3],
} satisfies FlowGRPOOptions;

const stepOf = (folder: string, checkpoint = 'last'): number =>
  JSON.parse(readFileSync(join(folder, 'checkpoints', checkpoint, 'state.json'), 'utf8')).step;

async function withPipeline<Result>(work: (pipeline: RolloutPipeline) => Promise<Result>) {
  const pipeline = await loadSmall('flow_grpo');
  try {
    return await work(pipeline);
  } finally {
    pipeline.dispose();
  }
}

describe('resuming a trainer', function () {
  this.timeout(180_000);

  const REFUSED: [what: string, first: object, then: object, expected: RegExp][] = [
    [
      'ema',
      {},
      { ema: 0.9 },
      /^Cannot resume from ".*last" as ema must be null, as it was before, so that there is no mean of the weights: current value is 0\.9$/,
    ],
    [
      'klLossCoef',
      {},
      { klLossCoef: 0.1 },
      /^Cannot resume from ".*last" as klLossCoef must be 0, as it was before, so that there is no reference: current value is 0\.1$/,
    ],
    [
      'promptPriority',
      { promptPriority: {} },
      { promptPriority: {}, prompts: ['a red fox'] },
      /^Cannot resume from ".*last" with promptPriority as there must be as many prompts as before, 2: current number is 1$/,
    ],
    [
      'fewer layers',
      { lora: { rank: 2, targetModules: ['to_q', 'to_v'] } },
      { lora: { rank: 2, targetModules: ['to_q'] } },
      /^Cannot resume from ".*last" as what it trained must be trained again: ".*to_v.*" is not$/,
    ],
  ];
  for (const [what, first, then, expected] of REFUSED) {
    it(`is refused before anything changes where ${what} cannot be what it was`, () =>
      inFolder(async (runDirectory) => {
        await withPipeline((pipeline) =>
          trainFlowGRPO(pipeline, { ...OPTIONS, ...first, steps: 1, runDirectory }),
        );
        await withPipeline(async (pipeline) => {
          const trainer = new FlowGRPOTrainer(pipeline, { ...OPTIONS, ...then });
          const before = trainedWeights(pipeline);
          const resumed = runTraining(trainer, { runDirectory, resume: true });
          await assert.rejects(resumed, { message: expected });
          assert.deepEqual(trainedWeights(pipeline), before);
          assert.equal(trainer.stepsDone, 0);
          trainer.dispose();
        });
      }));
  }

  it('takes one that was stopped between the updates of a step back to its checkpoint', () =>
    inFolder(async (parent) => {
      const options = { ...OPTIONS, miniBatchSize: 1 };
      const whole = await withPipeline(async (pipeline) => {
        const { log } = await trainFlowGRPO(pipeline, options);
        return { log: withoutTimes(log), weights: trainedWeights(pipeline) };
      });
      await withPipeline(async (pipeline) => {
        const trainer = new FlowGRPOTrainer(pipeline, options);
        const run = { runDirectory: join(parent, 'run') };
        await runTraining(trainer, { ...run, steps: 1 });
        const controller = new AbortController();
        const { optimizer } = trainer;
        const stepAsync = optimizer.stepAsync.bind(optimizer);
        optimizer.stepAsync = async (gradients) => {
          await stepAsync(gradients);
          controller.abort(new Error('stopped'));
        };
        const { signal } = controller;
        const { stopped } = await runTraining(trainer, { ...run, steps: 2, signal });
        optimizer.stepAsync = stepAsync;
        assert.deepEqual([stopped, trainer.stepsDone, trainer.state], ['aborted', 1, null]);
        const { log } = await runTraining(trainer, { ...run, resume: true });
        assert.deepEqual(withoutTimes(log), whole.log);
        assert.deepEqual(trainedWeights(pipeline), whole.weights);
        trainer.dispose();
      });
    }));

  it('does without a picture that was removed, and leaves a checkpoint that is there as it is', () =>
    inFolder(async (runDirectory) => {
      const options = {
        ...OPTIONS,
        runDirectory,
        evaluation: { prompts: ['a red fox'], everySteps: 1 },
      };
      await withPipeline((pipeline) => trainFlowGRPO(pipeline, { ...options, steps: 1 }));
      const [{ file }] = readRunPictures(runDirectory);
      rmSync(join(runDirectory, 'pictures', file));
      await withPipeline((pipeline) =>
        trainFlowGRPO(pipeline, { ...options, steps: 1, resume: true }),
      );
      assert.equal(existsSync(join(runDirectory, 'checkpoints/last.previous')), false);
      const steps: number[][] = [];
      await withPipeline((pipeline) =>
        trainFlowGRPO(pipeline, {
          ...options,
          steps: 2,
          resume: true,
          onStep: (_, { pictures }) => void steps.push(pictures.map(({ step }) => step)),
        }),
      );
      assert.deepEqual(steps, [[2]]);
      assert.deepEqual([stepOf(runDirectory), readRunLog(runDirectory).lines.length], [2, 2]);
    }));

  it('keeps as many checkpoints as it is told where the last one was broken', () =>
    inFolder(async (runDirectory) => {
      const options = { ...OPTIONS, runDirectory, checkpointEverySteps: 1, checkpointsKept: 3 };
      await withPipeline((pipeline) => trainFlowGRPO(pipeline, { ...options, steps: 2 }));
      const checkpoints = join(runDirectory, 'checkpoints');
      const kept = () =>
        readdirSync(checkpoints).filter((name) => /^last[^/]*(?<!partial)$/.test(name));
      truncateSync(join(checkpoints, 'last/optimizer.safetensors'), 10);
      const counts: number[] = [];
      const said = await textOnStderr(() =>
        withPipeline((pipeline) =>
          trainFlowGRPO(pipeline, {
            ...options,
            steps: 5,
            resume: true,
            onStep: ({ step }) => void (step > 3 && counts.push(kept().length)),
          }),
        ),
      );
      assert.match(said, /^Skips a broken checkpoint .*last"/m);
      assert.deepEqual(counts, [3, 3]);
      const names = ['last', 'last.previous', 'last.previous-2'];
      assert.deepEqual(kept().sort(), names);
      assert.deepEqual(
        names.map((name) => stepOf(runDirectory, name)),
        [5, 4, 3],
      );
    }));

  it('brings back the best checkpoint of the log that it begins with, from any whole one of that step', () =>
    inFolder(async (parent) => {
      const [from, into] = [join(parent, 'from'), join(parent, 'into')];
      const evaluation = ratedBy([0.1, 0.9, 0.2, 0.95]);
      const options = { ...OPTIONS, evaluation, checkpointEverySteps: 1, checkpointsKept: 4 };
      const run = (given: object) =>
        textOnStderr(() =>
          withPipeline((pipeline) =>
            trainFlowGRPO(pipeline, { ...options, runDirectory: from, ...given }),
          ),
        );
      const best = join(from, 'checkpoints/best');
      await run({ steps: 4 });
      assert.equal(stepOf(from, 'best'), 4);
      // The best step before is that of an older checkpoint alone.
      await run({ steps: 3, resume: join(from, 'checkpoints/last.previous') });
      assert.deepEqual([stepOf(from, 'best'), whatIsBroken(best)], [2, null]);
      truncateSync(join(best, 'optimizer.safetensors'), 10);
      const named = `Skips a broken checkpoint of step 2: "${best}": optimizer.safetensors has 10 bytes`;
      assert.ok((await run({ steps: 3, resume: true })).includes(named));
      assert.deepEqual([stepOf(from, 'best'), whatIsBroken(best)], [2, null]);
      for (const name of readdirSync(join(from, 'checkpoints'))) {
        if (name === 'abandoned') continue;
        const file = join(from, 'checkpoints', name, 'optimizer.safetensors');
        if (stepOf(from, name) === 2) truncateSync(file, 10);
      }
      assert.ok((await run({ steps: 3, resume: from, runDirectory: into })).includes(named));
      assert.deepEqual(readdirSync(join(into, 'checkpoints')), ['last']);
    }));

  it('keeps the best checkpoint of a step whose evaluation failed, where another metric says what is best', () =>
    inFolder(async (runDirectory) => {
      let rated = 0;
      const options = {
        ...OPTIONS,
        runDirectory,
        bestMetric: 'reward',
        reward: async (pictures: readonly unknown[]) => pictures.map((_, at) => ++rated + at),
        evaluation: {
          prompts: ['a red fox'],
          everySteps: 2,
          reward: async () => {
            throw new Error('the server is gone');
          },
        },
      };
      await assert.rejects(
        withPipeline((pipeline) => trainFlowGRPO(pipeline, options)),
        /server is gone/,
      );
      const rewards = readRunLog(runDirectory).lines.map(({ reward }) => reward);
      assert.ok(rewards.length === 2 && rewards[1] > rewards[0]);
      assert.deepEqual([stepOf(runDirectory), stepOf(runDirectory, 'best')], [2, 2]);
    }));

  it('counts what rewards did for an evaluation that is made again to its step', () =>
    inFolder(async (runDirectory) => {
      let [asked, taken, left] = [0, 0, 0];
      const reward = Object.assign(
        async (pictures: readonly unknown[], prompts: readonly { prompt: string }[]) => {
          asked += 1;
          if (prompts[0].prompt === 'gone' && left-- > 0) throw new Error('the server is gone');
          return pictures.map((_, at) => at);
        },
        {
          takeMetrics: () => {
            const calls = asked - taken;
            taken = asked;
            return { 'own/calls': calls, 'own/kept': asked };
          },
        },
      );
      const evaluation = { prompts: ['gone'], everySteps: 1, numInferenceSteps: 2 };
      const options = { ...OPTIONS, reward, evaluation };
      const numbersOf = (numbers: Record<string, number>) => [
        numbers['own/calls'],
        numbers['own/kept'],
      ];
      await withPipeline(async (pipeline) => {
        const trainer = new FlowGRPOTrainer(pipeline, options);
        left = 1;
        await assert.rejects(trainer.step(), /server is gone/);
        assert.deepEqual(numbersOf((await trainer.step()).rewardMetrics), [asked, asked]);
        const before = asked;
        assert.deepEqual(numbersOf((await trainer.step()).rewardMetrics), [asked - before, asked]);
        trainer.dispose();
      });
      const run = (given: object) =>
        withPipeline((pipeline) => trainFlowGRPO(pipeline, { ...options, runDirectory, ...given }));
      [asked, taken, left] = [0, 0, 1];
      await assert.rejects(run({ steps: 1 }), /server is gone/);
      let atStep = 0;
      const onStep = () => void (atStep = asked);
      const { log } = await run({ steps: 2, resume: true, onStep });
      const [first, second] = log.map(numbersOf);
      assert.equal(first[0], first[1]);
      assert.deepEqual(second, [atStep - first[1], atStep]);
      assert.deepEqual(readRunLog(runDirectory).lines, log);
    }));

  it('makes a checkpoint that could not be written once more, and says what must be a folder', () =>
    inFolder(async (runDirectory) => {
      const checkpoints = join(runDirectory, 'checkpoints');
      await withPipeline(async (pipeline) => {
        const trainer = new FlowGRPOTrainer(pipeline, OPTIONS);
        const run = (steps: number) => runTraining(trainer, { runDirectory, steps });
        writeFileSync(checkpoints, '');
        await assert.rejects(run(1), {
          message: `Cannot use "${checkpoints}" for a run as it must be a folder that can be read: ENOTDIR: not a directory, scandir '${checkpoints}'`,
        });
        rmSync(checkpoints);
        const isWeights = (name: string) => name === 'optimizer.safetensors';
        await textOnStderr(() =>
          withFaultyDisk('ENOSPC', isWeights, () =>
            assert.rejects(run(1), /the disk must have room/),
          ),
        );
        assert.deepEqual([trainer.stepsDone, readRunRecord(runDirectory)?.state], [1, 'failed']);
        assert.equal((await run(0)).stopped, 'finished');
        assert.equal(stepOf(runDirectory), 1);
        trainer.dispose();
      });
    }));
});
