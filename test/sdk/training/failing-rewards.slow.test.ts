import assert from 'node:assert/strict';
import { FlowGRPOTrainer, readRunRecord, trainFlowGRPO, type PixelImage } from '@flowbook/sdk';
import { textOnStderr } from '../io/hub/text-on-stderr';
import { inFolder, loadSmall, SMALL_RUNS, trainedWeights } from './run/small-runs';
import { inPipeline, NOT_FINITE_OPTIONS as OPTIONS } from './small-pipelines';

describe('a reward that fails', function () {
  this.timeout(120_000);

  /** The only reward, by the brightness of the first pixel; what it does at one call is another's business. */
  const failingAt = (at: (call: number) => boolean, fails: (values: number[]) => number[]) => {
    let call = 0;
    return async (images: PixelImage[]) => {
      const values = images.map(({ data }) => data[0]);
      return at(++call) ? fails(values) : values;
    };
  };
  const oneNaN = ([_, ...others]: number[]) => [NaN, ...others];
  const throws = (): number[] => {
    throw new Error('no answer');
  };
  const reasons = /step 2: the reward failed on 1 of 4 pictures: "[\w ]+" got NaN: /;

  for (const [name, { algorithm, train }] of Object.entries(SMALL_RUNS)) {
    if (name === 'offline Diffusion-DPO') continue;
    it(`${name} leaves out under 'skip' the picture it is NaN for, and a step none of whose pictures it rated`, async () => {
      const pipeline = await loadSmall(algorithm);
      const one = failingAt((call) => call === 2, oneNaN);
      const said = await textOnStderr(async () => {
        const { log } = await train(pipeline, { reward: one, steps: 3 });
        assert.deepEqual(
          log.map(({ rewardFailures = 0 }) => rewardFailures),
          [0, 1, 0],
        );
        assert.ok(log.every(({ reward }) => Number.isFinite(reward)));
      });
      assert.match(said, new RegExp(`${reasons.source}left out`));
      const before: object[] = [];
      await textOnStderr(async () => {
        const { log, alarms } = await train(pipeline, {
          reward: failingAt((call) => call === 2, throws),
          steps: 3,
          onStep: () => void before.push(trainedWeights(pipeline)),
        });
        assert.deepEqual(
          log.map(({ reward, rewardFailures = 0 }) => [Number.isFinite(reward), rewardFailures]),
          [
            [true, 0],
            [false, 4],
            [true, 0],
          ],
        );
        assert.deepEqual([alarms[0].name, alarms[0].step], ['not-finite', 2]);
      });
      assert.deepEqual(before[1], before[0], 'nothing is learned at that step');
      pipeline.dispose();
    });
  }

  it("takes the step back under 'rollback', and ends the run under 'stop'", () =>
    inPipeline(async (pipeline) => {
      const options = { ...OPTIONS, onNotFinite: 'rollback' } as const;
      const said = await textOnStderr(async () => {
        const reward = failingAt((call) => call === 2, oneNaN);
        const { log } = await trainFlowGRPO(pipeline, { ...options, reward });
        assert.deepEqual(
          log.map(({ rolledBack = 0 }) => rolledBack),
          [0, 1, 0],
        );
      });
      assert.match(said, new RegExp(`${reasons.source}the step is taken back`));
      for (const [fails, message] of [
        [oneNaN, /^Cannot score reward "anonymous" as it must return finite numbers: picture 0 /],
        [throws, /^Cannot score reward "anonymous" as it failed: no answer$/],
      ] as const) {
        const reward = failingAt((call) => call === 2, fails);
        await assert.rejects(trainFlowGRPO(pipeline, { ...OPTIONS, reward, onNotFinite: 'stop' }), {
          message,
        });
      }
    }));

  it('of an evaluation is named and counted where others go on, and its pictures are left out of the mean', () =>
    inPipeline(async (pipeline) => {
      const one = async (images: PixelImage[]) => images.map(() => 1);
      const evaluation = {
        prompts: ['a red fox', 'two cats', 'a blue house'],
        everySteps: 1,
        numInferenceSteps: 2,
        reward: { one, failing: failingAt((call) => call === 2, oneNaN) },
      };
      const said = await textOnStderr(async () => {
        const { log } = await trainFlowGRPO(pipeline, { ...OPTIONS, steps: 2, evaluation });
        assert.deepEqual(
          log.map((line) => line['evaluation/rewardFailures']),
          [undefined, 1],
        );
        assert.ok(log.every((line) => Number.isFinite(line['evaluation/reward'])));
      });
      assert.equal(
        said,
        'evaluation: 1 of the ratings of 3 pictures failed: "failing": "a red fox" got NaN: left out\n',
      );
    }));

  it('ends the run after five steps in a row, and at once when it never rated anything', () =>
    inPipeline(async (pipeline) => {
      const options = { ...OPTIONS, steps: 9 };
      let steps = 0;
      const run = (at: (call: number) => boolean) =>
        trainFlowGRPO(pipeline, {
          ...options,
          // Several rewards go by the same rule.
          reward: { term: failingAt(at, throws) },
          onStep: () => void (steps += 1),
        });
      await textOnStderr(async () => {
        await assert.rejects(
          run((call) => call > 3),
          {
            message:
              'Cannot go on as pictures must be rated: rewards failed on all 4 of a step, 5 steps in a row: "term": Cannot score reward "anonymous" as it failed: no answer',
          },
        );
      });
      assert.equal(steps, 3 + 4);
      await assert.rejects(
        run(() => true),
        { message: /^Cannot train on pictures as at least one must be rated: / },
      );
      assert.equal(steps, 3 + 4);
    }));

  it('is borne by a run that was resumed as by one that was never stopped', () =>
    inFolder(async (runDirectory) => {
      const { algorithm, train } = SMALL_RUNS.FlowGRPO;
      const run = async (steps: number, dead: boolean) => {
        const pipeline = await loadSmall(algorithm);
        const reward = failingAt(() => dead, throws);
        const resume = 'auto';
        try {
          return await train(pipeline, { reward, steps, runDirectory, resume });
        } finally {
          pipeline.dispose();
        }
      };
      await run(1, false);
      await textOnStderr(async () => {
        const { log } = await run(4, true);
        assert.deepEqual(
          log.map(({ rewardFailures = 0 }) => rewardFailures),
          [0, 4, 4, 4],
        );
        await assert.rejects(run(9, true), {
          message: /^Cannot go on as pictures must be rated: .*, 5 steps in a row: /,
        });
      });
      assert.equal(readRunRecord(runDirectory)?.step, 5, 'one more is borne');
    }));

  it('ends the run by the same rule where what fails counts 0, and names it', () =>
    inPipeline(async (pipeline) => {
      const run = (
        at: (call: number) => boolean,
        isOne: boolean,
        fails: typeof oneNaN = throws,
      ) => {
        const reward = failingAt(at, fails);
        const given = { ...OPTIONS, steps: 9, onRewardFailure: 'zero' } as const;
        return trainFlowGRPO(pipeline, { ...given, reward: isOne ? reward : { term: reward } });
      };
      const dead = /: Cannot score reward "anonymous" as it failed: no answer: counted as 0$/gm;
      for (const isOne of [true, false]) {
        await assert.rejects(
          run(() => true, isOne),
          { message: /^Cannot train on pictures as at least one must be rated: / },
        );
        const said = await textOnStderr(() =>
          assert.rejects(
            run((call) => call > 3, isOne),
            { message: /^Cannot go on as pictures must be rated: .*, 5 steps in a row: / },
          ),
        );
        assert.equal(said.match(dead)?.length, 4);
        const once = await textOnStderr(() => run((call) => call === 2, isOne, oneNaN));
        assert.match(
          once,
          isOne
            ? /^step 2: the reward failed on 1 of 4 pictures: "[\w ]+" got NaN: counted as 0\n$/
            : /^step 2: 1 of the ratings of 4 pictures failed: "term": "[\w ]+" got NaN: counted as 0\n$/,
        );
      }
    }));

  it('refuses one that is not registered before the first step', () =>
    inPipeline(async (pipeline) => {
      for (const reward of ['rednes', { term: 'rednes' }, { term: { reward: 'rednes' } }]) {
        assert.throws(() => new FlowGRPOTrainer(pipeline, { ...OPTIONS, reward }), {
          message: /^Cannot find reward "rednes": registered are /,
        });
      }
    }));
});
