import assert from 'node:assert/strict';
import {
  DiffusionModelBase,
  tf,
  type DiffusionModelClass,
  type ModelMixin,
  type SchedulerMixin,
} from '@flowbook/sdk';
import { registerDocumentedParts, unregisterDocumentedParts } from '../examples/all-examples';
import { architectureOf, B, batchOf, configOf, isForwardProcess } from './architectures';
import { every } from './every';

const METHODS = [
  'buildScheduler',
  'setTimesteps',
  'prepareModelInputs',
  'forwardAndSamplePreviousStep',
] as const;

const adapterOf = (name: string): DiffusionModelClass =>
  DiffusionModelBase.getClass(configOf(name));

interface Scene {
  adapter: DiffusionModelClass;
  scheduler: SchedulerMixin;
  module: ModelMixin;
  inputs: [Record<string, unknown>, Record<string, unknown> | null];
  batch: ReturnType<typeof batchOf>['batch'];
  sample: number[];
}

/** Runs `check` with an adapter's scheduler, model and inputs of one step. */
function scene(name: string, check: (scene: Scene) => void): void {
  const adapter = adapterOf(name);
  const module = architectureOf(name).model();
  const scheduler = adapter.buildScheduler(configOf(name));
  tf.tidy(() => {
    const times = scheduler.timesteps.dataSync<'float32'>();
    const { batch, prompts, sample } = batchOf(name, adapter, times);
    const { embeds, mask } = prompts;
    const inputs = adapter.prepareModelInputs(
      module,
      configOf(name),
      batch.all_latents,
      batch.all_timesteps,
      embeds,
      mask,
      embeds,
      mask,
      batch,
      1,
    );
    check({ adapter, scheduler, module, inputs, batch, sample });
  });
  scheduler.dispose();
  module.dispose();
}

describe('training adapters contract', function () {
  this.timeout(180_000);
  let names: string[] = [];
  after(unregisterDocumentedParts);
  before(async () => {
    await registerDocumentedParts();
    names = DiffusionModelBase.registered();
  });

  it('every adapter has the four static methods', () =>
    every(names, (name) => {
      for (const method of METHODS)
        assert.notEqual(adapterOf(name)[method], DiffusionModelBase[method]);
    }));

  it('every adapter builds a scheduler whose times fall, with one noise level more than times', () =>
    every(names, (name) => {
      const scheduler = adapterOf(name).buildScheduler(configOf(name));
      const times = scheduler.timesteps.dataSync();
      const sigmas = scheduler.sigmas.dataSync();
      times.forEach((time, at) => assert.ok(at === 0 || time < times[at - 1]));
      assert.ok(times[0] <= 1000 && times[times.length - 1] > 0);
      if (!isForwardProcess(adapterOf(name))) {
        assert.equal(times.length, 4);
        assert.deepEqual([sigmas.length, sigmas[4]], [5, 0]);
      }
      scheduler.dispose();
    }));

  it('setTimesteps() of every adapter sets what buildScheduler() set', () =>
    every(names, (name) => {
      const scheduler = adapterOf(name).buildScheduler(configOf(name));
      const built = [...scheduler.timesteps.dataSync()];
      adapterOf(name).setTimesteps(scheduler, configOf(name), 'cpu');
      assert.deepEqual([...scheduler.timesteps.dataSync()], built);
      scheduler.dispose();
    }));

  it('every adapter prepares inputs with which its model predicts one velocity a sample', () =>
    every(names, (name) =>
      scene(name, ({ module, inputs: [inputs], sample }) => {
        const result = module.forward(inputs);
        const velocity = 'sample' in result ? result.sample : result[0];
        assert.deepEqual(velocity.shape, sample);
        assert.ok(velocity.dataSync().every(Number.isFinite));
      }),
    ));

  it('every adapter replays a step: finite log-probabilities, the mean, and its width', () =>
    every(
      names,
      (name) =>
        scene(name, ({ adapter, scheduler, module, inputs, batch, sample }) => {
          const [logProb, mean, std, sqrtDt] = adapter.forwardAndSamplePreviousStep(
            module,
            scheduler,
            configOf(name),
            ...inputs,
            batch,
            1,
          );
          assert.deepEqual([logProb.shape, mean.shape, sqrtDt.shape], [[B], sample, [B]]);
          assert.deepEqual(std.shape, [B, ...sample.slice(1).map(() => 1)]);
          for (const values of [logProb, mean, std, sqrtDt]) {
            assert.ok(values.dataSync().every(Number.isFinite));
          }
        }),
      Object.fromEntries(
        [
          'QwenImagePipeline/dpo',
          'QwenImagePipeline/diffusion_nft',
          'StableDiffusion3Pipeline/dpo',
        ].map((name) => [
          name,
          'it learns from noised data and takes no reverse step: refused in words',
        ]),
      ),
    ));

  it('every adapter leaves no tensor but its results', () =>
    every(names, (name) => {
      const before = tf.memory().numTensors;
      scene(name, ({ adapter, scheduler, module, inputs, batch }) => {
        if (isForwardProcess(adapter)) return;
        const held = tf.memory().numTensors;
        tf.dispose(
          adapter.forwardAndSamplePreviousStep(
            module,
            scheduler,
            configOf(name),
            ...inputs,
            batch,
            1,
          ),
        );
        assert.equal(tf.memory().numTensors, held);
      });
      assert.equal(tf.memory().numTensors, before);
    }));
});
