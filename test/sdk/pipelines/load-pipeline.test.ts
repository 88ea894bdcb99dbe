import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QwenImage, QwenImagePipelineWithLogProb, loadPipeline, tf } from '@flowbook/sdk';

const MODEL = join(__dirname, '../../golden/models/tiny-qwen-image');

describe('loadPipeline()', () => {
  it('finds the pipeline by architecture and algorithm, and its parts on disk', async () => {
    const before = tf.memory().numTensors;
    const pipeline = await loadPipeline(MODEL, { height: 64, width: 96 });
    assert.ok(pipeline instanceof QwenImagePipelineWithLogProb);
    assert.deepEqual(
      [pipeline.modelConfig.pipeline.height, pipeline.modelConfig.path],
      [64, MODEL],
    );
    pipeline.dispose();
    assert.equal(tf.memory().numTensors, before);
  });

  it('names architecture and algorithm when no pipeline is registered for them', async () => {
    await assert.rejects(loadPipeline(MODEL, { algorithm: 'no_grpo' }), {
      message: `Cannot load "${MODEL}" as a rollout pipeline with fromPretrained must be registered for its architecture and algorithm: current values are QwenImagePipeline and no_grpo`,
    });
  });

  it('refuses a device that is not there, before it loads anything', async () => {
    const before = tf.memory().numTensors;
    await assert.rejects(loadPipeline(MODEL, {}, { device: 'tpu' }), /Cannot use device "tpu"/);
    assert.equal(tf.memory().numTensors, before);
    const scheduler = QwenImage.buildScheduler({ path: MODEL, height: 64, width: 64 });
    assert.throws(
      () => QwenImage.setTimesteps(scheduler, { path: MODEL }, 'cuda:7x'),
      /Cannot use device "cuda:7x"/,
    );
    scheduler.dispose();
  });

  it('frees what it loaded when a part is missing', async () => {
    const broken = mkdtempSync(join(tmpdir(), 'flowbook-'));
    cpSync(MODEL, broken, { recursive: true });
    rmSync(join(broken, 'transformer'), { recursive: true });
    const before = tf.memory().numTensors;
    await assert.rejects(loadPipeline(broken), /transformer/);
    assert.equal(tf.memory().numTensors, before);
    rmSync(broken, { recursive: true });
  });

  it('names what a model directory lacks', async () => {
    await assert.rejects(loadPipeline(join(MODEL, 'vae')), /model_index\.json/);
  });
});
