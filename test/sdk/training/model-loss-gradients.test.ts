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
} from '@flowbook/sdk';

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
});
