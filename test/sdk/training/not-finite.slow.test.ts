import assert from 'node:assert/strict';
import {
  FlowGRPOTrainer,
  OfflineDPOTrainer,
  advantageEstimators,
  groupAdvantages,
  miniBatches,
  scoreRewards,
  tf,
  trainDiffusionDPO,
  trainDiffusionNFT,
  trainFlowGRPO,
  type RolloutPipeline,
} from '@flowbook/sdk';
import { whereNotFinite } from '../../../sdk/src/training/not-finite';
import { requireMemory } from '../../../sdk/src/training/require-memory';
import { textOnStderr } from '../io/hub/text-on-stderr';
import { trainedWeights } from './run/small-runs';
import { inPipeline, NOT_FINITE_OPTIONS as OPTIONS } from './small-pipelines';

/** A model whose gradients are NaN at one step: the loss is multiplied by it. */
function poisonAdvantages(at: number) {
  let step = 0;
  return (_rewards: unknown, groups: readonly unknown[], options: { width?: number } = {}) => {
    step += 1;
    const value = step === at ? NaN : 1;
    return tf.fill([groups.length, options.width ?? 1], value) as tf.Tensor2D;
  };
}

describe('onNotFinite', function () {
  this.timeout(120_000);
  let name = '';
  let registered = 0;

  afterEach(() => advantageEstimators.unregister(name));

  /** An estimator that gives NaN at its second call. */
  function poisoned(): string {
    name = `poisoned-${registered++}`;
    advantageEstimators.register(name, poisonAdvantages(2) as never);
    return name;
  }

  it("'skip' leaves out an update with its layer's name, counts it, and the next ones are finite", () =>
    inPipeline(async (pipeline) => {
      const advEstimator = poisoned();
      const said = await textOnStderr(async () => {
        const { log, alarms } = await trainFlowGRPO(pipeline, { ...OPTIONS, advEstimator });
        assert.deepEqual(
          log.map(({ skippedUpdates = 0 }) => skippedUpdates),
          [0, 1, 0],
        );
        assert.equal(alarms[0].name, 'not-finite');
        assert.ok(Number.isFinite(log[2].gradNorm));
      });
      assert.match(
        said,
        /^step 2: the gradient of "[\w.]+" \(\d+ of \d+ values\) is not finite: left out$/m,
      );
      assert.equal(whereNotFinite(pipeline.transformer.trainableVariables()), null);
    }));

  it("'stop' ends the run with the weights of the last good step", () =>
    inPipeline(async (pipeline) => {
      const advEstimator = poisoned();
      const good: object[] = [];
      await assert.rejects(
        trainFlowGRPO(pipeline, {
          ...OPTIONS,
          advEstimator,
          onNotFinite: 'stop',
          onStep: () => void good.push(trainedWeights(pipeline)),
        }),
        {
          message:
            /^Cannot go on after step 1 as numbers must be finite: the gradient of "[\w.]+" \(\d+ of \d+ values\) is not finite at step 2; onNotFinite says what else may become of it$/,
        },
      );
      assert.deepEqual(trainedWeights(pipeline), good[0]);
    }));

  it("'rollback' puts weights, moments and their mean back, counts it, and goes on", () =>
    inPipeline(async (pipeline) => {
      const advEstimator = poisoned();
      const trainer = new FlowGRPOTrainer(pipeline, {
        ...OPTIONS,
        advEstimator,
        ema: 0.9,
        ppoEpochs: 2,
        onNotFinite: 'rollback',
      });
      const state = () => [
        trainedWeights(pipeline),
        [...trainer.optimizer.stateDict()].map(([key, value]) => {
          const values = Array.from(value.dataSync());
          value.dispose();
          return [key, values];
        }),
        [...(trainer.average?.values ?? [])].map(([key, value]) => [
          key,
          Array.from(value.dataSync()),
        ]),
      ];
      await trainer.step();
      const before = state();
      const tensors = tf.memory().numTensors;
      await textOnStderr(async () => {
        const report = await trainer.step();
        assert.equal(report.rolledBack, 1);
      });
      assert.deepEqual(state(), before);
      assert.equal(tf.memory().numTensors, tensors, 'no copy is left');
      const { rolledBack, step } = await trainer.step();
      assert.deepEqual([rolledBack, step], [undefined, 3]);
      assert.notDeepEqual(state(), before);
      trainer.dispose();
    }));

  it("'rollback' takes back as well what follows of a step that was stopped after an update", () =>
    inPipeline(async (pipeline) => {
      name = `poisoned-${registered++}`;
      const values = { first: 1, second: 1 };
      // Of the two prompts, one an update.
      advantageEstimators.register(name, ((_: unknown, groups: number[], { width = 1 } = {}) =>
        tf.tensor2d(
          groups.flatMap((group) =>
            Array<number>(width).fill([values.first, values.second][group]),
          ),
          [groups.length, width],
        )) as never);
      const trainer = new FlowGRPOTrainer(pipeline, {
        ...OPTIONS,
        advEstimator: name,
        promptsPerStep: 2,
        miniBatchSize: 2,
        shuffle: false,
        onNotFinite: 'rollback',
      });
      await trainer.step();
      const stop = new AbortController();
      const { optimizer } = trainer;
      const step = optimizer.stepAsync.bind(optimizer);
      optimizer.stepAsync = async (gradients) => {
        await step(gradients);
        stop.abort(new Error('stopped'));
      };
      await assert.rejects(trainer.step({ signal: stop.signal }), { message: 'stopped' });
      optimizer.stepAsync = step;
      const stopped = trainedWeights(pipeline);
      values.second = NaN;
      const said = await textOnStderr(async () => {
        assert.equal((await trainer.step()).rolledBack, 1);
      });
      assert.match(said, /^step 2: the gradient of .* is not finite: the step is taken back$/m);
      assert.deepEqual(trainedWeights(pipeline), stopped);
      assert.notEqual(trainer.state, null, 'the step is over');
      trainer.dispose();
    }));

  it('names weights that are not finite before the first step', () =>
    inPipeline(async (pipeline) => {
      const [[layer, variable]] = [...pipeline.transformer.trainableVariables()];
      variable.assign(tf.fill(variable.shape, NaN) as never);
      const { size } = variable;
      await assert.rejects(trainFlowGRPO(pipeline, OPTIONS), {
        message: `Cannot train as weights must be finite: "${layer}" (${size} of ${size} values) are not, before step 1; take another checkpoint`,
      });
    }));

  it('names weights that a step made infinite, and takes the step back when asked to', () =>
    inPipeline(async (pipeline) => {
      const given = { ...OPTIONS, learningRate: 1e40, clipRatio: 1e9 };
      const before = trainedWeights(pipeline);
      await textOnStderr(async () => {
        const { log } = await trainFlowGRPO(pipeline, {
          ...given,
          steps: 1,
          onNotFinite: 'rollback',
        });
        assert.deepEqual(
          log.map(({ rolledBack }) => rolledBack),
          [1],
        );
      });
      assert.deepEqual(trainedWeights(pipeline), before);
      await assert.rejects(trainFlowGRPO(pipeline, given), {
        message: /^Cannot go on after step 0 as weights must be finite: step 1 made "/,
      });
    }));

  /** A rollout's second prompt with a second picture whose log-probabilities are NaN, at one step. */
  function breakLogProbs(pipeline: RolloutPipeline, at: number): void {
    const { forward } = pipeline;
    let calls = 0;
    pipeline.forward = (async (...parameters: Parameters<typeof forward>) => {
      const result = await forward.apply(pipeline, parameters);
      if (++calls !== at) return result;
      const { customOutput } = result;
      const broken = tf.tidy(() => {
        const row = tf.tensor2d([[0], [0], [0], [NaN]]);
        return tf.add(customOutput.all_log_probs as tf.Tensor, row);
      });
      customOutput.all_log_probs?.dispose();
      return { ...result, customOutput: { ...customOutput, all_log_probs: broken } };
    }) as typeof forward;
  }

  // The first step is checked against its replay; a correction compares at every step.
  const decoupled = {
    bypass_mode: false,
    rollout_is: 'token',
    rollout_is_batch_normalize: true,
  } as const;
  for (const [what, at, given] of [
    ['at the first step', 1, {}],
    ['later', 2, {}],
    ['with a correction for the rollout', 2, { rolloutCorrection: decoupled }],
  ] as const) {
    it(`leaves out a picture whose log-probability is not finite, by prompt and sample: ${what}`, () =>
      inPipeline(async (pipeline) => {
        breakLogProbs(pipeline, at);
        const said = await textOnStderr(async () => {
          const { log } = await trainFlowGRPO(pipeline, {
            ...OPTIONS,
            ...given,
            clipRatio: 0.5,
            onMismatch: 'stop',
          });
          assert.deepEqual(
            log.map(({ skippedSamples = 0 }) => skippedSamples),
            [1, 2, 3].map((step) => (step === at ? 1 : 0)),
          );
          const compared = log.flatMap((line) => line['rollout_corr/logprob_abs_diff_mean'] ?? []);
          assert.equal(compared.length, at === 2 && 'rolloutCorrection' in given ? 3 : 1);
          assert.ok([...compared, ...log.map(({ gradNorm }) => gradNorm)].every(Number.isFinite));
        });
        assert.match(
          said,
          new RegExp(
            `^step ${at}: the log-probability of sample 1 of "[\\w ]+" is not finite: left out\n$`,
          ),
        );
        assert.equal(whereNotFinite(pipeline.transformer.trainableVariables()), null);
      }));
  }

  for (const [what, algorithm, train] of [
    ['DiffusionNFT', 'diffusion_nft', trainDiffusionNFT],
    ['online Diffusion-DPO', 'dpo', trainDiffusionDPO],
  ] as const) {
    it(`leaves out a picture whose latents are not finite, by prompt and sample, of ${what}`, () =>
      inPipeline(async (pipeline) => {
        const { forward } = pipeline;
        let calls = 0;
        pipeline.forward = (async (...parameters: Parameters<typeof forward>) => {
          const result = await forward.apply(pipeline, parameters);
          const { latents_clean: clean } = result.customOutput;
          if (++calls !== 2 || !clean) return result;
          const broken = tf.tidy(() => tf.add(clean, tf.tensor3d([0, 0, 0, NaN], [4, 1, 1])));
          clean.dispose();
          return { ...result, customOutput: { ...result.customOutput, latents_clean: broken } };
        }) as typeof forward;
        const { prompts, reward, steps, compile, learningRate } = OPTIONS;
        const learned = { prompts, reward, steps, compile, learningRate };
        const options = { ...learned, groupSize: 4, promptsPerStep: 1 };
        const said = await textOnStderr(async () => {
          const { log } = await train(pipeline, options);
          assert.deepEqual(
            log.map(({ skippedSamples = 0, skippedUpdates = 0 }) => [
              skippedSamples,
              skippedUpdates,
            ]),
            [
              [0, 0],
              [1, 0],
              [0, 0],
            ],
          );
          assert.ok(log.every(({ loss }) => Number.isFinite(loss)));
        });
        assert.match(
          said,
          /^step 2: the latents of sample 3 of "[\w ]+" are not finite: left out\n$/,
        );
      }, algorithm));
  }

  it('refuses other policies', () =>
    inPipeline(async (pipeline) => {
      assert.throws(
        () => new FlowGRPOTrainer(pipeline, { ...OPTIONS, onNotFinite: 'hope' as never }),
        {
          message:
            'Cannot train as onNotFinite must be skip, stop or rollback: current value is "hope"',
        },
      );
    }));

  it('offline Diffusion-DPO looks as well', () =>
    inPipeline(async (pipeline) => {
      const [chosen, rejected] = [tf.fill([4, 16], NaN), tf.zeros([4, 16])];
      const trainer = new OfflineDPOTrainer(pipeline, {
        pairs: [{ prompt: 'a red fox', chosen: chosen as never, rejected: rejected as never }],
        compile: false,
        onNotFinite: 'stop',
      });
      await assert.rejects(trainer.step(), { message: /gradient of ".*is not finite at step 1/ });
      trainer.dispose();
      tf.dispose([chosen, rejected]);
    }, 'dpo'));
});

describe('defined results', () => {
  it('of equal rewards, groups of one and no rewards at all: no advantage', () => {
    const values = (tensor: tf.Tensor) => Array.from(tensor.dataSync());
    assert.deepEqual(values(groupAdvantages([0.5, 0.5, 0.5, 0.5], [0, 0, 1, 1])), [0, 0, 0, 0]);
    for (const globalStd of [true, false]) {
      assert.deepEqual(values(groupAdvantages([1, 2, 3], [0, 1, 2], { globalStd })), [0, 0, 0]);
    }
    assert.deepEqual(groupAdvantages([], []).shape, [0, 0]);
    assert.deepEqual(groupAdvantages([], [], { width: 2 }).shape[0], 0);
  });

  it('of an empty batch: no updates, no scores', async () => {
    const dealt = miniBatches([], { size: 4, epochs: 2, shuffle: false, order: 1 });
    assert.deepEqual(dealt, []);
    assert.deepEqual(await scoreRewards('redness', [], []), []);
  });

  it('of equal rewards in training: weights move by weight decay alone, and stay finite', () =>
    inPipeline(async (pipeline) => {
      const equal = async (images: unknown[]) => images.map(() => 0.5);
      const before = trainedWeights(pipeline);
      const given = { ...OPTIONS, reward: equal, weightDecay: 0, steps: 1 };
      const { log } = await trainFlowGRPO(pipeline, given);
      assert.deepEqual([log[0].rewardStd, log[0].gradNorm], [0, 0]);
      assert.deepEqual(trainedWeights(pipeline), before);
    }));

  it('of a schedule of one step: refused where it is stretched, as its time is NaN', () =>
    inPipeline(async (pipeline) => {
      const one = { numInferenceSteps: 1, sdeWindowSize: 1, sdeWindowRange: [0, 1] } as const;
      await assert.rejects(trainFlowGRPO(pipeline, { ...OPTIONS, ...one, steps: 1 }), {
        message:
          'Cannot make pictures as the times of the 1 steps must be finite: current values are NaN',
      });
    }));
});

describe('requireMemory()', () => {
  it('says how many pictures would fit, and what to do when none does', () => {
    requireMemory({ microBatchSize: 8, pictureBytes: null, freeBytes: 1 });
    requireMemory({ microBatchSize: 8, pictureBytes: 1e9, freeBytes: 8e9 });
    assert.throws(() => requireMemory({ microBatchSize: 8, pictureBytes: 1e9, freeBytes: 3e9 }), {
      message:
        "Cannot train with 8 pictures at once as they must fit into memory: they take about 8.0 GB, and 3.0 GB are free; set microBatchSize to at most 3, or to 'auto'",
    });
    assert.throws(() => requireMemory({ microBatchSize: 1, pictureBytes: 4e9, freeBytes: 3e9 }), {
      message: /not even one fits: make smaller pictures, train adapters \(lora\)/,
    });
  });
});
