import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  DiffusionNFTTrainer,
  FlowGRPOTrainer,
  runTraining,
  trainDiffusionNFT,
  trainFlowGRPO,
  type FlowGRPOOptions,
  type RolloutPipeline,
  type RolloutWorkers,
} from '@flowbook/sdk';
import type { Frame } from '../../../sdk/src/rollout-workers/frame';
import { PublishedWeights } from '../../../sdk/src/rollout-workers/published-weights';
import { encodeWeights, loadWeights } from '../../../sdk/src/rollout-workers/weights-message';
import { rollOutPart } from '../../../sdk/src/training/rollout-part';
import { RolloutsAhead, type StepRollout } from '../../../sdk/src/training/rollouts-ahead';
import { tf } from '../../../sdk/src/tensorflow';
import { textOnStderr } from '../io/hub/text-on-stderr';
import { inFolder, loadSmall, trainedWeights, withoutTimes } from './run/small-runs';

/** A worker in this process: another model, which gets weights as workers do. */
function workerOf(model: RolloutPipeline): RolloutWorkers {
  const published = new PublishedWeights<Frame[]>(() => {});
  let before: Promise<unknown> = Promise.resolve();
  return {
    publish: async (version, trained) => published.replace(version, encodeWeights(trained)),
    rollOut: async (part, version, signal) => {
      const found = published.find(version);
      found.users += 1;
      const made = before.then(() => {
        loadWeights(model.transformer as never, found.weights);
        return rollOutPart(model, part, signal);
      });
      before = made.catch(() => {});
      try {
        return await made;
      } finally {
        published.release(found);
      }
    },
    takeReport: () => ({ workers: [], requeued: 0, duplicates: 0 }),
  };
}

const OPTIONS = {
  prompts: ['a red fox', 'two cats', 'a blue house'],
  reward: 'redness',
  promptsPerStep: 2,
  groupSize: 2,
  steps: 5,
  compile: false,
  learningRate: 1e-2,
  microBatchSize: 2,
  checkpointEverySteps: 1,
} satisfies FlowGRPOOptions;

const TRAINERS = {
  flow_grpo: (pipeline: RolloutPipeline, options: object) =>
    trainFlowGRPO(pipeline, {
      ...OPTIONS,
      sdeWindowRange: [0, 3],
      rolloutCorrection: { bypass_mode: false },
      ...options,
    }),
  diffusion_nft: (pipeline: RolloutPipeline, options: object) =>
    trainDiffusionNFT(pipeline, { ...OPTIONS, oldPolicyUpdateInterval: 2, ...options }),
};

/** Trains anew with a worker, and returns what a run can be told from another one by. */
async function run(algorithm: keyof typeof TRAINERS, options: object) {
  const [pipeline, other] = [await loadSmall(algorithm), await loadSmall(algorithm)];
  try {
    const given = { rolloutWorkers: workerOf(other), ...options };
    const { log } = await TRAINERS[algorithm](pipeline, given);
    return { log: withoutTimes(log), weights: trainedWeights(pipeline) };
  } finally {
    pipeline.dispose();
    other.dispose();
  }
}

const stalenessOf = (log: object[]) => log.map((line) => (line as { staleness: number }).staleness);

describe('rollouts ahead', function () {
  this.timeout(120_000);

  for (const [algorithm, maxStaleness, lora] of [
    ['flow_grpo', 1, null],
    ['flow_grpo', 2, { rank: 2, targetModules: ['to_q'] }],
    ['diffusion_nft', 2, null],
    ['diffusion_nft', 1, { rank: 2, targetModules: ['to_q'] }],
  ] as const) {
    const what = `${algorithm}, ${lora === null ? 'all weights' : 'adapters'}, ${maxStaleness} ahead`;
    it(`${what}: a run that was stopped ends as one that was not, to the last bit`, () =>
      inFolder(async (parent) => {
        const tensors = tf.memory().numTensors;
        const options = { maxStaleness, lora };
        const whole = await run(algorithm, options);
        const staleness = [0, 1, 2, 3, 4].map((step) => Math.min(step, maxStaleness));
        assert.deepEqual(stalenessOf(whole.log), staleness);
        const runDirectory = join(parent, 'stopped');
        const stop = new AbortController();
        const onStep = ({ step }: { step: number }) => void (step === 3 && stop.abort());
        await run(algorithm, { ...options, runDirectory, signal: stop.signal, onStep });
        const resumed = await run(algorithm, { ...options, runDirectory, resume: true });
        assert.deepEqual(resumed, whole);
        assert.equal(tf.memory().numTensors, tensors, 'no weights are left');
      }));
  }

  it('says of a checkpoint without earlier weights that steps are others', () =>
    inFolder(async (parent) => {
      const runDirectory = join(parent, 'run');
      const options = { runDirectory, checkpointEverySteps: 1 };
      await run('flow_grpo', { ...options, steps: 2 });
      const resumed = { ...options, steps: 3, maxStaleness: 1, resume: true };
      const said = await textOnStderr(async () => {
        assert.deepEqual(stalenessOf((await run('flow_grpo', resumed)).log), [0, 0, 0]);
      });
      assert.match(
        said,
        /^Goes on from ".*" without weights of earlier steps, as it holds none: /m,
      );
      assert.match(said, /settings.maxStaleness was 0, and is 1/);
      rmSync(runDirectory, { recursive: true });
    }));

  it('can be stopped while workers keep weights, and has them keep the next after that', async () => {
    const pipeline = await loadSmall('diffusion_nft');
    const tensors = tf.memory().numTensors;
    const asked: number[] = [];
    let keep = () => {};
    const rolloutWorkers: RolloutWorkers = {
      ...workerOf(pipeline),
      publish: (version) => {
        asked.push(version);
        return new Promise((resolve) => (keep = resolve));
      },
    };
    const trainer = new DiffusionNFTTrainer(pipeline, { ...OPTIONS, rolloutWorkers });
    const weights = trainedWeights(pipeline);
    const untilAsked = async (times: number) => {
      while (asked.length < times) await new Promise((done) => setImmediate(done));
    };
    for (const times of [1, 1]) {
      const stop = new AbortController();
      const step = assert.rejects(trainer.step({ signal: stop.signal }), { message: 'stopped' });
      await untilAsked(times);
      stop.abort(new Error('stopped'));
      await step;
    }
    assert.deepEqual(asked, [1], 'the second waited for the first');
    assert.deepEqual(trainedWeights(pipeline), weights);
    const stop = new AbortController();
    const step = assert.rejects(trainer.step({ signal: stop.signal }), { message: 'stopped' });
    keep();
    await untilAsked(2);
    stop.abort(new Error('stopped'));
    await step;
    trainer.dispose();
    assert.equal(tf.memory().numTensors, tensors);
    pipeline.dispose();
  });

  it('goes on beyond the steps of the settings, as far as a run is asked for', async () => {
    const [pipeline, other] = [await loadSmall('flow_grpo'), await loadSmall('flow_grpo')];
    const trainer = new FlowGRPOTrainer(pipeline, {
      ...OPTIONS,
      steps: 2,
      sdeWindowRange: [0, 3],
      rolloutCorrection: { bypass_mode: false },
      rolloutWorkers: workerOf(other),
      maxStaleness: 1,
    });
    const { log } = await runTraining(trainer, { steps: 3 });
    const more = await runTraining(trainer, { steps: 2 });
    assert.deepEqual(stalenessOf([...log, ...more.log]), [0, 1, 1, 1, 1]);
    trainer.dispose();
    pipeline.dispose();
    other.dispose();
  });

  it('publishes weights once all parts with those before were asked for, and rolls a failed step out by the same again', async () => {
    const events: string[] = [];
    const asked = new Map<number, () => void>();
    let fails = true;
    const ahead = new RolloutsAhead(1, {
      copy: async () => new Map([['weight', tf.scalar(1)]]),
      publish: async (version) => void events.push(`publish ${version}`),
      start: async (step, version, { onAsked }) => {
        events.push(`start ${step} by ${version}`);
        if (step === 2 && fails) {
          fails = false;
          throw new Error('lost');
        }
        await new Promise<void>((done) => asked.set(step, done));
        events.push(`asked ${step}`);
        onAsked();
        return { step, version, batch: { dispose: () => {} } } as never;
      },
    });
    const take = (step: number) => ahead.take(step, 4, null) as Promise<unknown>;
    const settled = () => new Promise((done) => setImmediate(done));
    const first = take(1);
    await settled();
    asked.get(1)?.();
    assert.deepEqual(await first.then((one) => (one as StepRollout).version), 1);
    const second = assert.rejects(take(2), { message: 'lost' });
    await settled();
    asked.get(3)?.();
    await second;
    const again = take(2);
    await settled();
    assert.deepEqual(events.splice(0), [
      'publish 1',
      'start 1 by 1',
      'start 2 by 1',
      'asked 1',
      'publish 2',
      'start 3 by 2',
      'asked 3',
      'publish 1',
      'start 2 by 1',
    ]);
    const third = take(3);
    await settled();
    assert.deepEqual(events.splice(0), [], 'step 2 waits to be asked for');
    asked.get(2)?.();
    assert.equal(((await again) as StepRollout).version, 1);
    assert.equal(((await third) as StepRollout).version, 2);
    assert.deepEqual(events.splice(0), ['asked 2', 'publish 3', 'start 4 by 3']);
    ahead.dispose();
  });
});
