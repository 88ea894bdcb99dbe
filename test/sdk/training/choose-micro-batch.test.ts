import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FlowGRPOTrainer, readRunRecord, trainFlowGRPO } from '@flowbook/sdk';
import { freeMemory, watchMemory } from '../../../sdk/src/core/memory-watch';
import { estimatePicture } from '../../../sdk/src/inspection/estimate-picture';
import { chooseMicroBatch, firstMicroBatch } from '../../../sdk/src/training/choose-micro-batch';
import { SMALL_RUNS, inFolder, loadSmall } from './run/small-runs';

const FACTS = {
  measured: 4,
  peakBytes: 400e6,
  estimatedBytes: 80e6,
  freeBytes: 4e9,
  pictures: 96,
};

describe('chooseMicroBatch()', () => {
  it('takes what fits, by the larger of what was measured and estimated, in equal parts', () => {
    const { size, reason } = chooseMicroBatch(FACTS);
    // 0.7 x 4 GB / 100 MB = 28 at most: four of 24.
    assert.equal(size, 24);
    assert.equal(
      reason,
      'micro-batches of 24 of 96 pictures: one takes 100.0 MB (measured 100.0 MB, estimated 80.0 MB), 4.0 GB are free',
    );
    assert.equal(chooseMicroBatch({ ...FACTS, peakBytes: 0 }).size, 32);
    assert.equal(chooseMicroBatch({ ...FACTS, peakBytes: null }).size, 32);
    assert.equal(chooseMicroBatch({ ...FACTS, estimatedBytes: null }).size, 24);
  });

  it('never takes more than there are, nor less than one, and stays where nothing is known', () => {
    for (const freeBytes of [0, 1e8, 1e9, 1e10, 1e12]) {
      for (const pictures of [1, 7, 96]) {
        const { size } = chooseMicroBatch({ ...FACTS, freeBytes, pictures });
        assert.ok(size >= 1 && size <= pictures);
        assert.ok(size === 1 || size * 100e6 <= 0.7 * freeBytes);
      }
    }
    const unknown = { ...FACTS, peakBytes: null, estimatedBytes: null };
    assert.equal(chooseMicroBatch(unknown).size, 4);
  });

  it('firstMicroBatch() is small, and smaller where pictures are large', () => {
    assert.equal(firstMicroBatch(1e6, 1e9), 4);
    assert.equal(firstMicroBatch(100e6, 1e9), 2);
    assert.equal(firstMicroBatch(1e9, 1e9), 1);
    assert.equal(firstMicroBatch(null, 1e9), 1);
  });
});

describe('watchMemory()', () => {
  it('sees memory that is there for a moment, on Linux', () => {
    const peak = watchMemory();
    if (process.platform !== 'linux') assert.equal(peak, null);
    if (peak === null) return;
    Buffer.alloc(200e6, 1);
    assert.ok(peak() > 150e6, String(peak()));
    assert.ok(freeMemory() > 0);
  });
});

describe("microBatchSize: 'auto'", () => {
  const options = {
    prompts: ['a red fox', 'two cats'],
    reward: 'redness',
    groupSize: 3,
    sdeWindowRange: [0, 3] as const,
    compile: false,
    microBatchSize: 'auto' as const,
  };

  it('starts with few pictures, chooses by what they took, and says why', () =>
    inFolder(async (runDirectory) => {
      const pipeline = await loadSmall('flow_grpo');
      const trainer = new FlowGRPOTrainer(pipeline, options);
      assert.equal(trainer.settings.microBatchSize, 4);
      await trainer.step();
      assert.ok(trainer.settings.microBatchSize <= 6);
      assert.match(
        trainer.settings.microBatchReason,
        /^micro-batches of \d of 6 pictures: one takes/,
      );
      trainer.dispose();
      await trainFlowGRPO(pipeline, { ...options, steps: 1, runDirectory });
      const settings = readRunRecord(runDirectory)?.trainer;
      assert.match(String(settings?.microBatchReason), /are free$/);
      pipeline.dispose();
    }));

  for (const name of ['FlowGRPO', 'offline Diffusion-DPO']) {
    it(`${name}: is chosen of a first step whose evaluation fails, too`, () =>
      inFolder(async (runDirectory) => {
        const { algorithm, train } = SMALL_RUNS[name];
        const pipeline = await loadSmall(algorithm);
        const reward = async (): Promise<number[]> => {
          throw new Error('the server is gone');
        };
        const evaluation = { prompts: ['a red fox'], everySteps: 1, reward };
        const own = { steps: 1, runDirectory, evaluation, microBatchSize: 'auto' as const };
        await assert.rejects(train(pipeline, own), /server is gone/);
        const { microBatchSize, microBatchReason } = readRunRecord(runDirectory)?.trainer ?? {};
        assert.match(String(microBatchReason), /^micro-batches of \d of 4 pictures: one takes/);
        const state = readFileSync(join(runDirectory, 'checkpoints/last/state.json'), 'utf8');
        assert.equal(JSON.parse(state).microBatchSize, microBatchSize);
        pipeline.dispose();
      }));
  }

  it('keeps its choice when the run is resumed, whatever is free then', () =>
    inFolder(async (runDirectory) => {
      const pipeline = await loadSmall('flow_grpo');
      // As if 5 had been chosen.
      await trainFlowGRPO(pipeline, { ...options, microBatchSize: 5, steps: 1, runDirectory });
      await trainFlowGRPO(pipeline, { ...options, steps: 2, runDirectory, resume: true });
      assert.equal(readRunRecord(runDirectory)?.trainer.microBatchSize, 5);
      pipeline.dispose();
    }));

  it('estimates a picture as a whole model is estimated, and more with adapters everywhere', async () => {
    const pipeline = await loadSmall('flow_grpo');
    const { config, modelIndexEntry } = pipeline.transformer;
    const size = { height: 32, width: 32, textTokens: 16 };
    const of = (targetModules: null | string | string[]) =>
      estimatePicture(modelIndexEntry[1], config, { ...size, targetModules }) as number;
    assert.ok(of(null) > 0 && of(['to_q']) > of(null) && of('all-linear') > of(['to_q']));
    assert.equal(estimatePicture('AnOwnModel', {}, { ...size, targetModules: null }), null);
    pipeline.dispose();
  });
});
