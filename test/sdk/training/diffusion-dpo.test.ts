import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
  OfflineDPOTrainer,
  OnlineDPOTrainer,
  keyGenerator,
  loadPipeline,
  pixelImage,
  tf,
  trainDiffusionDPO,
  type OfflineDPOOptions,
  type OnlineDPOOptions,
  type QwenImageDPOPipeline,
  type StableDiffusion3DPOPipeline,
} from '@flowbook/sdk';

const MODELS = join(__dirname, '../../golden/models');
const SIZE = { algorithm: 'dpo', height: 32, width: 32, num_inference_steps: 2 };

const COMMON = {
  steps: 2,
  compile: false,
  learningRate: 1e-3,
  warmupSteps: 1,
  lora: { rank: 2, targetModules: ['to_q', 'to_v'] },
};
const ONLINE: OnlineDPOOptions = {
  ...COMMON,
  prompts: ['a red fox', 'two cats'],
  reward: 'redness',
  groupSize: 3,
};

const valuesOf = (tensors: ReadonlyMap<string, tf.Tensor>) =>
  [...tensors.values()].map((one) => Array.from(one.dataSync().slice(0, 8)));

/** A picture of one colour. */
const plain = (red: number, green: number, blue: number) =>
  pixelImage(32, 32, Array.from({ length: 32 * 32 }, () => [red, green, blue]).flat());

const models = {
  'tiny-qwen-image': [4, 16],
  'tiny-sd3': [4, 4, 4],
};

for (const [name, shape] of Object.entries(models)) {
  describe(`trainDiffusionDPO() of ${name}`, () => {
    type Pipeline = QwenImageDPOPipeline | StableDiffusion3DPOPipeline;
    let pipeline: Pipeline;
    const latents = [0, 1].map((seed) => keyGenerator(seed).randn(shape));
    const offline: OfflineDPOOptions = {
      ...COMMON,
      dpoBeta: 100,
      pairs: [
        { prompt: 'a red fox', chosen: latents[0], rejected: latents[1] },
        { prompt: 'a red square', chosen: plain(200, 0, 0), rejected: plain(0, 0, 200) },
      ],
    };

    beforeEach(async () => {
      pipeline = await loadPipeline<Pipeline>(join(MODELS, name), SIZE);
    });

    afterEach(() => pipeline.dispose());

    const adapters = () => valuesOf(pipeline.transformer.trainableVariables());

    it('compares the rows of pairs once a step, whatever the number of updates from them', async () => {
      const { kernels } = await tf.profile(async () => {
        await trainDiffusionDPO(pipeline, { ...offline, ppoEpochs: 3, miniBatchSize: 1, steps: 1 });
        return [];
      });
      // Of noise and of times.
      assert.equal(kernels.filter(({ name: kernel }) => kernel === 'All').length, 2);
    });

    it('learns pairs that are given: down from ln 2, by adapters alone, the same for a seed', async () => {
      const before = tf.memory().numTensors;
      const frozen = valuesOf(pipeline.transformer.parameters);
      const { log } = await trainDiffusionDPO(pipeline, { ...offline, ppoEpochs: 3 });
      // The mean over three updates from the same pairs, of which the first starts at ln 2.
      assert.ok(log[0].loss < Math.LN2, String(log[0].loss));
      assert.deepEqual(valuesOf(pipeline.transformer.parameters), frozen);
      const after = adapters();
      pipeline.transformer.adapters.remove('default');
      assert.equal(tf.memory().numTensors, before);
      const again = await trainDiffusionDPO(pipeline, { ...offline, ppoEpochs: 3 });
      assert.deepEqual(
        log.map(({ loss }) => loss),
        again.log.map(({ loss }) => loss),
      );
      assert.deepEqual(adapters(), after);
    });

    it('starts at ln 2 when all weights are trained, against a frozen copy of them', async () => {
      const trainer = new OfflineDPOTrainer(pipeline, { ...offline, lora: null });
      const first = await trainer.step();
      assert.ok(Math.abs(first.loss - Math.LN2) < 1e-5);
      assert.equal(first.pairs, 2);
      assert.equal(first.metrics['rewards/margins'], 0);
      const second = await trainer.step();
      assert.notEqual(second.metrics['rewards/margins'], 0);
      trainer.dispose();
    });

    it('takes as many updates a step as there are mini-batches of pairs and epochs', async () => {
      const before = tf.memory().numTensors;
      const stepOf = async (options: { miniBatchSize: number | null; ppoEpochs?: number }) => {
        const trainer = new OfflineDPOTrainer(pipeline, { ...offline, ...options });
        const { loss } = await trainer.step();
        const { updates } = trainer.optimizer;
        trainer.dispose();
        pipeline.transformer.adapters.remove('default');
        return { loss, updates };
      };
      const whole = await stepOf({ miniBatchSize: null });
      assert.deepEqual(await stepOf({ miniBatchSize: 2 }), whole);
      assert.equal(whole.updates, 1);
      const halves = await stepOf({ miniBatchSize: 1 });
      assert.equal(halves.updates, 2);
      // The second pair meets weights that the first one has moved.
      assert.ok(Math.abs(whole.loss - Math.LN2) < 1e-5 && halves.loss !== whole.loss);
      assert.equal((await stepOf({ miniBatchSize: 1, ppoEpochs: 3 })).updates, 6);
      assert.equal(tf.memory().numTensors, before);
    });

    it('learns pairs of its own rollouts', async () => {
      const before = tf.memory().numTensors;
      const trainer = new OnlineDPOTrainer(pipeline, ONLINE);
      const first = await trainer.step();
      assert.ok(Math.abs(first.loss - Math.LN2) < 1e-5);
      assert.equal(first.pairs, 2);
      assert.equal(first.images.length, 6);
      const start = adapters();
      await trainer.step();
      assert.notDeepEqual(adapters(), start);
      trainer.dispose();
      pipeline.transformer.adapters.remove('default');
      assert.equal(tf.memory().numTensors, before);
    });
  });
}

describe('OnlineDPOTrainer', () => {
  let pipeline: QwenImageDPOPipeline;

  before(async () => {
    pipeline = await loadPipeline(join(MODELS, 'tiny-qwen-image'), SIZE);
  });

  after(() => pipeline.dispose());

  it('learns nothing from pictures of equal reward, and keeps their pairs for verl-omni', async () => {
    const equal = async (images: unknown[]) => images.map(() => 1);
    const options = { ...ONLINE, lora: null, reward: equal };
    const trainer = new OnlineDPOTrainer(pipeline, options);
    assert.equal((await trainer.step()).pairs, 0);
    trainer.dispose();
    const { log, alarms } = await trainDiffusionDPO(pipeline, { ...options, steps: 1 });
    for (const name of ['loss', 'gradNorm']) assert.ok(!(name in log[0]), name);
    assert.deepEqual([log[0].reward, alarms], [1, []]);
    const upstream = new OnlineDPOTrainer(pipeline, { ...options, compat: 'verl-omni' });
    assert.equal((await upstream.step()).pairs, 2);
    upstream.dispose();
  });

  it('refuses groups of one picture', () => {
    assert.throws(() => new OnlineDPOTrainer(pipeline, { ...ONLINE, groupSize: 1 }), {
      message:
        'Cannot train as groupSize must be a whole number from 2, to compare pictures of a prompt: current value is 1',
    });
  });
});
