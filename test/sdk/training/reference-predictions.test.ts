import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
  CompiledModel,
  PolicyState,
  QwenImageTransformer2DModel,
  RandomKey,
  buildScheduler,
  keyGenerator,
  nftGradients,
  noisePairs,
  referencePredictions,
  tf,
  type FlowMatchSchedule,
  type PairBatch,
} from '@flowbook/sdk';
import { predictReference } from '../../../sdk/src/training/diffusion-dpo/predict-reference';

const path = join(__dirname, '../../golden/models/tiny-qwen-image');
const key = RandomKey.fromSeed(5);

/** A model whose adapters matter, and which may not predict on the main thread. */
function scene() {
  const transformer = QwenImageTransformer2DModel.fromPretrained(path);
  transformer.addLora({ rank: 2, targetModules: ['to_q', 'to_v'], key });
  for (const [name, variable] of transformer.trainableVariables()) {
    if (name.includes('lora_B')) variable.assign(tf.fill(variable.shape, 0.1));
  }
  const elsewhere = new CompiledModel(transformer);
  Object.defineProperties(elsewhere, {
    lastCallMs: { value: Infinity },
    forward: { value: () => assert.fail('predicts on the main thread') },
  });
  const draw = keyGenerator(3);
  const words = { prompt_embeds: draw.randn([4, 5, 32]), prompt_embeds_mask: tf.ones([4, 5]) };
  const latents_clean = draw.randn([4, 4, 16]);
  return { transformer, elsewhere, latents_clean, words };
}

describe('predictReference()', () => {
  const modelConfig = { path, algorithm: 'dpo', height: 32, width: 32 };
  const { transformer, elsewhere, latents_clean, words } = scene();
  const schedule: FlowMatchSchedule = buildScheduler(modelConfig);
  const noised = noisePairs(latents_clean, schedule, { generator: keyGenerator(4) });
  const pairs: PairBatch = { latents_clean, ...noised, ...words, height: 32, width: 32 };
  const reference = PolicyState.referenceOf(transformer);
  const model = { transformer: elsewhere, modelConfig };

  it('gives the bits of referencePredictions() from another thread, and micro-batches give the same', async () => {
    const compiled = new CompiledModel(transformer);
    const expected = referencePredictions(compiled, modelConfig, pairs, reference).dataSync();
    const before = tf.memory().numTensors;
    for (const microBatchSize of [4, 2]) {
      const found = await predictReference(model, reference, pairs, {
        microBatchSize,
        signal: null,
      });
      const values = found.dataSync();
      if (microBatchSize === 4) assert.deepEqual(values, expected);
      values.forEach((value, at) => assert.ok(Math.abs(value - expected[at]) < 1e-5));
      found.dispose();
    }
    assert.equal(tf.memory().numTensors, before);
    assert.deepEqual(transformer.adapters.active, ['default']);
    compiled.dispose();
  });

  it('stops at the signal, puts the policy back and leaks nothing', async () => {
    const before = tf.memory().numTensors;
    const controller = new AbortController();
    const { signal } = controller;
    const work = predictReference(model, reference, pairs, { microBatchSize: 1, signal });
    assert.deepEqual(transformer.adapters.active, []);
    controller.abort();
    await assert.rejects(work, { name: 'AbortError' });
    assert.deepEqual(transformer.adapters.active, ['default']);
    assert.equal(tf.memory().numTensors, before);
  });
});

describe('nftGradients() of a compiled model', () => {
  it('asks the old policy and the reference on another thread', async () => {
    const modelConfig = { path, algorithm: 'diffusion_nft', height: 32, width: 32 };
    const { transformer, elsewhere, latents_clean, words } = scene();
    const batch = {
      latents_clean,
      train_timesteps: tf.tensor2d([[900, 300], [600, 100.5], [300, 900], [20, 500]]), // prettier-ignore
      reward_prob: tf.tensor1d([1, 0.2, 0.6, 0]),
      ...words,
    };
    const old = PolicyState.copyOf(transformer, 'old');
    const reference = PolicyState.referenceOf(transformer);
    const ask = async (module: CompiledModel | QwenImageTransformer2DModel) => {
      const model = { transformer: module, modelConfig, old, reference };
      const { metrics, loss, dispose } = await nftGradients(model, batch, { key, refKlCoef: 0.1 });
      dispose();
      return { ...metrics, loss };
    };
    const found = await ask(elsewhere);
    for (const [name, value] of Object.entries(await ask(transformer))) {
      assert.ok(Math.abs(found[name as 'loss'] - value) < 1e-3 * Math.abs(value) + 1e-6, name);
    }
  });
});
