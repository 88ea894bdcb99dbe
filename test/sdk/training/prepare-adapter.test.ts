import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  DiffusionNFTTrainer,
  FlowGRPOTrainer,
  RandomKey,
  tf,
  type RolloutPipeline,
} from '@flowbook/sdk';
import { encodeWeights } from '../../../sdk/src/rollout-workers/weights-message';
import { WeightsFolder } from '../../../sdk/src/rollout-servers/weights-folder';
import { SMALL_RUNS, inFolder, loadSmall, trainedWeights, withoutTimes } from './run/small-runs';

const LORA = { rank: 2, targetModules: ['to_q'] };
const key = RandomKey.fromSeed(7);
const { algorithm, train } = SMALL_RUNS.FlowGRPO;

describe("a trainer's adapter", function () {
  this.timeout(120_000);
  let pipeline: RolloutPipeline;

  beforeEach(async () => {
    pipeline = await loadSmall(algorithm);
  });

  afterEach(() => pipeline.dispose());

  const firstB = () => Object.values(trainedWeights(pipeline))[1];

  it('is not one that is there where no checkpoint is resumed: it is refused, and stays as it was', () =>
    inFolder(async (parent) => {
      await train(pipeline, { steps: 1, lora: LORA });
      const before = firstB();
      const message =
        'Cannot begin with step 1 as adapter "default" must be new where no checkpoint is resumed: call adapters.remove("default") of the model first, or leave lora out to train on from it';
      const runDirectory = join(parent, 'run');
      await assert.rejects(train(pipeline, { lora: LORA, resume: 'auto', runDirectory }), {
        message,
      });
      assert.equal(existsSync(join(runDirectory, 'run.json')), false);
      const options = { prompts: ['a red fox'], reward: 'redness', groupSize: 2, lora: LORA };
      const trainer = new FlowGRPOTrainer(pipeline, { ...options, resume: 'auto' });
      await assert.rejects(trainer.step(), { message });
      trainer.dispose();
      await assert.rejects(train(pipeline, { lora: LORA }), {
        message:
          'Cannot add adapter "default" as the name must be free: call adapters.remove("default") first, or choose another name',
      });
      assert.deepEqual(firstB(), before);
      pipeline.transformer.adapters.remove('default');
      const { log } = await train(pipeline, { steps: 1, lora: LORA, resume: 'auto', runDirectory });
      assert.deepEqual([log.length, firstB()], [1, before]);
    }));

  it('is the one that is there where a checkpoint is resumed in the same process, to the last bit', () =>
    inFolder(async (parent) => {
      const options = { lora: LORA, ema: 0.9, resume: 'auto' as const };
      const whole = await train(pipeline, { ...options, runDirectory: join(parent, 'whole') });
      const weights = trainedWeights(pipeline);
      pipeline.transformer.adapters.remove('default');
      const controller = new AbortController();
      const again = { ...options, runDirectory: join(parent, 'stopped') };
      const { stopped } = await train(pipeline, {
        ...again,
        signal: controller.signal,
        onStep: ({ step }) => void (step === 2 && controller.abort()),
      });
      assert.equal(stopped, 'aborted');
      const { log } = await train(pipeline, again);
      assert.deepEqual(withoutTimes(log), withoutTimes(whole.log));
      assert.deepEqual(trainedWeights(pipeline), weights);
    }));

  it('is taken back when training ends before its first update: a cell that is run again begins anew', () =>
    inFolder(async (parent) => {
      const runDirectory = join(parent, 'run');
      const options = {
        lora: LORA,
        resume: 'auto' as const,
        runDirectory,
        compile: true,
        steps: 1,
      };
      const fails = () => Promise.reject(new Error('no answer'));
      await assert.rejects(train(pipeline, { ...options, reward: fails }), /no answer/);
      assert.deepEqual(pipeline.transformer.adapters.names(), []);
      const { log } = await train(pipeline, options);
      assert.equal(log.length, 1);
      assert.ok(firstB().some((value) => value !== 0));
      const { length } = (await train(pipeline, options)).log;
      assert.deepEqual([length, pipeline.transformer.adapters.names()], [1, ['default']]);
    }));

  it('is taken back when the trainer cannot be made, and what took part before stays', async () => {
    const { transformer } = pipeline;
    transformer.addLora({ ...LORA, key, adapterName: 'style' });
    const options = { prompts: ['a red fox'], reward: 'redness', groupSize: 2, lora: LORA };
    const made = (more: object) => () => new FlowGRPOTrainer(pipeline, { ...options, ...more });
    const tensors = tf.memory().numTensors;
    assert.throws(made({ monitors: { other: 'misspelt' }, ema: 0.9 }), /misspelt/);
    assert.throws(
      () => new DiffusionNFTTrainer(pipeline, { ...options, ema: 0.9 }),
      /exactly one other adapter/,
    );
    assert.equal(tf.memory().numTensors, tensors);
    assert.deepEqual(
      [transformer.adapters.names(), transformer.adapters.active],
      [['style'], ['style']],
    );
    const trainer = made({})();
    transformer.adapters.remove('default');
    transformer.addLora({ ...LORA, key });
    trainer.dispose();
    assert.deepEqual(transformer.adapters.names(), ['style', 'default'], 'it is not its own');
  });

  it('must be as lora asks: rank, alpha and layers', async () => {
    pipeline.transformer.addLora({ ...LORA, key });
    const refused = (lora: object, asked: string, both: number) =>
      assert.rejects(train(pipeline, { lora: { ...LORA, ...lora }, resume: 'auto' }), {
        message: `Cannot train adapter "default" as the one that is there must be as lora asks, ${asked}: current value is rank 2 and alpha 2 on 2, of which ${both} are asked for; call adapters.remove("default") of the model first`,
      });
    await refused({ rank: 4, alpha: 2 }, 'rank 4 and alpha 2 on 2 layers', 2);
    await refused({ alpha: 8 }, 'rank 2 and alpha 8 on 2 layers', 2);
    await refused({ targetModules: ['to_q', 'to_v'] }, 'rank 2 and alpha 2 on 4 layers', 2);
    await refused({ targetModules: ['to_v'] }, 'rank 2 and alpha 2 on 2 layers', 0);
  });

  it('must take part: disabled, merged and unchosen ones are refused in words', async () => {
    const { transformer } = pipeline;
    const refused = (found: string) =>
      assert.rejects(train(pipeline, {}), {
        message: `Cannot train as one of the model's adapters must take part: present are default, ${found}`,
      });
    transformer.addLora({ ...LORA, key });
    transformer.setAdapters([]);
    await refused('none is chosen; call setAdapters()');
    transformer.setAdapters('default');
    transformer.disableLora();
    await refused('they are disabled; call enableLora()');
    await assert.rejects(train(pipeline, { lora: LORA, resume: 'auto' }), {
      message: 'Cannot train adapters as they must not be disabled: call enableLora() first',
    });
    transformer.enableLora();
    transformer.mergeLora();
    await refused('merged are default; call unmergeLora(), or add one that is trained on top');
    assert.deepEqual(transformer.adapters.names(), ['default']);
  });

  it('is trained on top of a merged one, whose weights stay; such a model is not sent to workers', () =>
    inFolder(async (folder) => {
      const { transformer } = pipeline;
      transformer.addLora({ ...LORA, key, adapterName: 'style' });
      for (const { B } of transformer.adapters.get('style').values()) {
        tf.tidy(() => B.assign(tf.fill(B.shape, 0.05)));
      }
      transformer.mergeLora();
      const name = 'transformer_blocks.0.attn.to_q.weight';
      const weight = () => Array.from((transformer.parameters.get(name) as tf.Variable).dataSync());
      const merged = weight();
      const { log } = await train(pipeline, { steps: 1, lora: LORA });
      assert.ok(Number(log[0].gradNorm) > 0);
      assert.ok(firstB().some((value) => value !== 0));
      assert.deepEqual(weight(), merged);
      assert.throws(() => encodeWeights(transformer), {
        message:
          'Cannot send weights to rollout workers as adapters must not be merged: merged are style; call unmergeLora() first',
      });
      const options = { weightsFolder: folder, weightsFolderOnServer: '' };
      const written = new WeightsFolder({ ...options, weightsDtype: 'float32' });
      assert.throws(() => written.write('1', transformer, 'peft'), {
        message:
          'Cannot send adapters to a rollout server as none must be merged: merged are style; call unmergeLora() first',
      });
    }));
});

describe('DiffusionNFT', () => {
  it('refuses a model that has an adapter `old`, before anything is changed: the old policy would take it over', async () => {
    const { algorithm: own, train: run } = SMALL_RUNS.DiffusionNFT;
    const pipeline = await loadSmall(own);
    pipeline.transformer.addLora({ ...LORA, key, adapterName: 'old' });
    pipeline.transformer.setAdapters([]);
    await assert.rejects(run(pipeline, { lora: LORA }), {
      message:
        'Cannot copy a policy to adapter "old" as the name must be free: present are old; call adapters.remove("old") first, or load it under another name',
    });
    assert.deepEqual(pipeline.transformer.adapters.names(), ['old']);
    pipeline.dispose();
  });
});
