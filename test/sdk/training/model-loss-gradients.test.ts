import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
  CompiledModel,
  QwenImage,
  RandomKey,
  groupAdvantages,
  loadPipeline,
  policyGradients,
  rolloutGroups,
  tf,
  type TrainableModel,
} from '@flowbook/sdk';
import type { ModelInputs } from '../../../sdk/src/pipelines/model-mixin';
import { offMainThread, whereShort } from '../../../sdk/src/pipelines/off-main-thread';

const MODEL = join(__dirname, '../../golden/models/tiny-qwen-image');

describe('a compiled model on another thread', () => {
  it('gives policyGradients() what the tape gives, and leaves no tensor', async () => {
    const pipeline = await loadPipeline(MODEL, { height: 32, width: 32, num_inference_steps: 4 });
    const modelConfig = pipeline.modelConfig.with({ algo: { noise_level: 0.7 } });
    const scheduler = QwenImage.buildScheduler(modelConfig);
    const batch = await rolloutGroups(pipeline, [{ prompt: 'a fox' }], {
      key: RandomKey.fromSeed(1),
      groupSize: 2,
      sdeWindowRange: [0, 3],
    });
    const advantages = groupAdvantages([1, 2], batch.groups, { width: batch.windowSize });
    const read = async (transformer: CompiledModel) => {
      const model = { transformer, modelConfig, scheduler };
      const policy = await policyGradients(model, batch, advantages);
      const gradients = [...policy.gradients].map(([name, g]) => [name, g.dataSync()] as const);
      policy.dispose();
      return { gradients: new Map(gradients), loss: policy.loss, ratioGap: policy.ratioGap };
    };
    const compiled = new CompiledModel(pipeline.transformer);
    // The first prediction has to be compiled, and always runs elsewhere.
    assert.equal(compiled.lastCallMs, Infinity);
    const elsewhere = await read(compiled);
    assert.ok(compiled.lastCallMs < Infinity);
    const before = tf.memory().numTensors;
    const onTape = await read(compiled);
    assert.equal(tf.memory().numTensors, before);
    assert.deepEqual([...elsewhere.gradients.keys()], [...onTape.gradients.keys()]);
    assert.equal(elsewhere.loss, onTape.loss);
    assert.ok(elsewhere.ratioGap < 1e-5);
    for (const [name, gradient] of elsewhere.gradients) {
      const expected = onTape.gradients.get(name) as Float32Array;
      // How long a call takes decides where the next one runs: bits must not depend on it.
      assert.deepEqual(gradient, expected, name);
    }
    compiled.dispose();
    pipeline.dispose();
  });

  it('leaves this one where a batch of a new shape has to be compiled, whatever the last one took', async () => {
    const pipeline = await loadPipeline(MODEL, { height: 32, width: 32 });
    const compiled = new CompiledModel(pipeline.transformer);
    const { embeds, mask } = pipeline.encodePrompt(['a fox']);
    const inputsOf = (pictures: number) => ({
      hidden_states: tf.ones([pictures, 4, 16]),
      timestep: tf.fill([pictures], 0.5),
      encoder_hidden_states: tf.tile(embeds, [pictures, 1, 1]),
      encoder_hidden_states_mask: tf.tile(mask as tf.Tensor2D, [pictures, 1]),
      img_shapes: Array.from({ length: pictures }, () => [[1, 2, 2]]),
    });
    const [one, two] = [inputsOf(1), inputsOf(2)];
    const ask =
      (inputs: typeof one) =>
      (module: TrainableModel): tf.Tensor =>
        (module.forward(inputs as ModelInputs) as tf.Tensor[])[0];
    const first = await offMainThread(compiled, ask(one));
    const again = compiled.forward(one as ModelInputs)[0];
    assert.deepEqual(again.dataSync(), first.dataSync());
    // What the last call took is known; here it was short.
    Object.defineProperty(compiled, 'lastCallMs', { value: 1 });
    assert.equal(compiled.lastCallMsFor(two as ModelInputs), Infinity);
    const before = tf.memory().numTensors;
    assert.equal(whereShort(compiled, ask(two)), null);
    assert.equal(tf.memory().numTensors, before);
    const elsewhere = await offMainThread(compiled, ask(two));
    assert.ok(compiled.lastCallMsFor(two as ModelInputs) < Infinity);
    const expected = tf.tidy(() => tf.concat([first, first]).dataSync());
    elsewhere.dataSync().forEach((value, at) => assert.ok(Math.abs(value - expected[at]) < 1e-5));
    const failing = () => {
      throw new Error('no shape');
    };
    assert.throws(() => whereShort(compiled, failing), /no shape/);
    tf.dispose([embeds, mask, first, again, elsewhere, one, two] as tf.TensorContainer);
    compiled.dispose();
    pipeline.dispose();
  });
});
