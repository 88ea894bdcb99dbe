import assert from 'node:assert/strict';
import { join } from 'node:path';
import { loadPipeline, PromptCache, tf, type PromptEmbeddings } from '@flowbook/sdk';
import {
  recordingBackend,
  type RecordingBackend,
} from '../../../sdk/src/tensorflow/compile/binding';

const models = join(__dirname, '../../golden/models');

/** Counts runs of graphs, here and on another thread, while `work` goes on. */
async function countRuns(work: () => Promise<void>): Promise<{ here: number; elsewhere: number }> {
  const backend = recordingBackend() as RecordingBackend;
  const { binding } = backend;
  const runs = { here: 0, elsewhere: 0 };
  backend.binding = Object.create(binding, {
    executeOp: {
      value: (...args: Parameters<typeof binding.executeOp>) => {
        if (args[0].startsWith('flowbook_')) runs.here++;
        return binding.executeOp(...args);
      },
    },
    runFunction: {
      value: (...args: Parameters<typeof binding.runFunction>) => {
        runs.elsewhere++;
        return binding.runFunction(...args);
      },
    },
  }) as typeof binding;
  try {
    await work();
  } finally {
    backend.binding = binding;
  }
  return runs;
}

const valuesOf = ({ embeds, mask, pooled }: PromptEmbeddings) =>
  [embeds, mask, pooled].map((tensor) => tensor?.dataSync().slice());

describe('PromptCache', () => {
  for (const [model, encoders] of [
    ['tiny-qwen-image', 1],
    ['tiny-sd3', 3],
  ] as const) {
    it(`load() runs the text encoders of ${model} on another thread, and gives the bits of encodePrompt()`, async () => {
      const pipeline = await loadPipeline(join(models, model), { height: 64, width: 64 });
      const cache = new PromptCache();
      const prompts = ['a red circle', 'two green squares and a blue one', 'a red circle'];
      const runs = await countRuns(() => cache.load(pipeline, prompts));
      assert.deepEqual(runs, { here: 0, elsewhere: 2 * encoders });
      assert.equal(cache.size, 2);
      const { max_sequence_length: maxSequenceLength } = pipeline.modelConfig.pipeline;
      for (const prompt of prompts) {
        const expected = pipeline.encodePrompt([prompt], { maxSequenceLength });
        const asked = await countRuns(async () => {
          assert.deepEqual(valuesOf(cache.embed(pipeline, prompt)), valuesOf(expected));
        });
        assert.deepEqual(asked, { here: 0, elsewhere: 0 });
        tf.dispose([expected.embeds, expected.mask, expected.pooled ?? []]);
      }
      cache.dispose();
      pipeline.dispose();
    });
  }

  it('load() embeds a prompt once that two rollouts ask for at once, and keeps nothing when it was disposed', async () => {
    const pipeline = await loadPipeline(join(models, 'tiny-qwen-image'), { height: 64, width: 64 });
    const load = (cache: PromptCache) => cache.load(pipeline, ['a red circle']);
    const first = new PromptCache();
    await load(first);
    first.dispose();
    const before = tf.memory().numTensors;
    const cache = new PromptCache();
    const runs = await countRuns(async () => {
      await Promise.all([load(cache), load(cache)]);
    });
    assert.deepEqual(runs, { here: 0, elsewhere: 1 });
    assert.equal(tf.memory().numTensors, before + 2);
    cache.dispose();
    const disposed = new PromptCache();
    const loading = load(disposed);
    disposed.dispose();
    await loading;
    assert.equal(disposed.size, 0);
    assert.equal(tf.memory().numTensors, before);
    pipeline.dispose();
  });

  it('load() asks a pipeline without graphs of its own once', async () => {
    const asked: (readonly string[])[] = [];
    const pipeline = {
      modelConfig: { pipeline: { max_sequence_length: 4 } },
      masksPadding: true,
      encodePrompt: (prompts: readonly string[]) => {
        asked.push(prompts);
        return { embeds: tf.ones([1, 2, 3]) as tf.Tensor3D, mask: tf.ones([1, 2]) as tf.Tensor2D };
      },
    } as unknown as Parameters<PromptCache['load']>[0];
    const cache = new PromptCache();
    await cache.load(pipeline, ['one', 'two', 'one']);
    assert.deepEqual(asked, [['one'], ['two']]);
    assert.deepEqual(valuesOf(cache.embed(pipeline, 'two'))[0], new Float32Array(6).fill(1));
    cache.dispose();
  });
});
