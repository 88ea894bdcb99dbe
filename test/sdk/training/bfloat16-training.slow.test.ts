import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
  AdamW,
  RandomKey,
  isBfloat16,
  loadPipeline,
  rolloutGroups,
  tf,
  toBfloat16,
  trainFlowGRPO,
  type FlowGRPOOptions,
  type RolloutPipeline,
  type StepReport,
} from '@flowbook/sdk';

const MODELS = {
  'Qwen-Image': 'tiny-qwen-image',
  'Stable Diffusion 3': 'tiny-sd3',
};

const SMALL = {
  prompts: ['a red fox', 'two cats'],
  reward: 'redness',
  promptsPerStep: 2,
  groupSize: 4,
  steps: 1,
  microBatchSize: 4,
  sdeWindowRange: [0, 3],
} satisfies Partial<FlowGRPOOptions>;

for (const [name, folder] of Object.entries(MODELS)) {
  describe(`training on a bfloat16 ${name}`, function () {
    this.timeout(60_000);
    let pipeline: RolloutPipeline;

    before(async () => {
      const path = join(__dirname, '../../golden/models', folder);
      const config = { height: 32, width: 32, num_inference_steps: 4 };
      pipeline = await loadPipeline(path, config, { dtype: 'bfloat16' });
    });

    after(() => pipeline.dispose());

    it('refuses to train all weights, before anything is drawn', async () => {
      await assert.rejects(
        trainFlowGRPO(pipeline, SMALL),
        /^Error: Cannot make AdamW as parameters must be float32, .*: ".*" is bfloat16; train adapters, or load the model without dtype$/,
      );
    });

    for (const compile of [false, true]) {
      const kind = compile ? 'compiled' : 'eager';

      it(`rolls out the same twice, with float32 latents and log-probabilities (${kind})`, async () => {
        const roll = async () => {
          const batch = await rolloutGroups(pipeline, [{ prompt: 'a fox' }], {
            key: RandomKey.fromSeed(1),
            groupSize: 2,
            sdeWindowRange: [0, 3],
            compile,
          });
          const { all_latents, all_log_probs } = batch.tensors;
          const tensors = [all_latents, all_log_probs as tf.Tensor];
          assert.ok(tensors.every((tensor) => !isBfloat16(tensor)));
          const values = tensors.map((tensor) => Array.from(tensor.dataSync()));
          batch.dispose();
          return values;
        };
        assert.deepEqual(await roll(), await roll());
      });

      it(`has ratio 1 before the first update of its adapters, and leaves the model (${kind})`, async () => {
        const { transformer } = pipeline;
        const weights = () =>
          [...transformer.parameters.values()].map((weight) => Array.from(weight.dataSync()));
        const before = weights();
        const { numTensors } = tf.memory();
        const reports: StepReport[] = [];
        await trainFlowGRPO(pipeline, {
          ...SMALL,
          compile,
          lora: { rank: 2 },
          onStep: (report) => void reports.push(report),
        });
        assert.equal(reports.length, 1);
        const [{ ratioMean, replayGap, clipFraction, gradNorm }] = reports;
        assert.deepEqual([ratioMean, replayGap, clipFraction], [1, 0, 0]);
        assert.ok(gradNorm > 0);
        assert.deepEqual(weights(), before);
        pipeline.compiledTransformer.dispose();
        transformer.adapters.dispose();
        assert.equal(tf.memory().numTensors, numTensors);
      });
    }
  });
}

describe('AdamW', () => {
  it('takes no parameters in bfloat16, whose steps are larger than updates', () => {
    tf.tidy(() => {
      const weight = tf.variable(toBfloat16(tf.tensor1d([1, 2])));
      assert.throws(() => new AdamW(new Map([['weight', weight]])), {
        message:
          'Cannot make AdamW as parameters must be float32, whose steps are as fine as updates: "weight" is bfloat16; train adapters, or load the model without dtype',
      });
      weight.dispose();
    });
  });
});
