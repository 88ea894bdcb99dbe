import assert from 'node:assert/strict';
import {
  DiffusionModelBase,
  FlowGRPOTrainer,
  RandomKey,
  RolloutBatch,
  VllmOmniPipelineBase,
  buildScheduler,
  groupAdvantages,
  loadPipeline,
  policyGradients,
  replayPolicy,
  rolloutGroups,
  tf,
  type DiffusionModelConfig,
  type FlowGRPOOptions,
  type RolloutPipeline,
} from '@flowbook/sdk';
import { ARCHITECTURES, values } from '../pipelines/rollout-architectures';

const ALGORITHMS = ['flow_grpo', 'grpo_guard', 'flow_dppo', 'dance_grpo'];
const PROMPTS = [{ prompt: 'a fox' }, { prompt: 'two cats' }];
const SIZE = { height: 32, width: 32, num_inference_steps: 4, max_sequence_length: 8 };
const GUIDANCE = 2;

for (const { name, model } of ARCHITECTURES) {
  describe(`training of ${name}`, () => {
    let pipeline: RolloutPipeline;
    const load = (algorithm: string) =>
      loadPipeline(model, {
        ...SIZE,
        true_cfg_scale: name === 'QwenImagePipeline' ? GUIDANCE : 1,
        guidance_scale: name === 'QwenImagePipeline' ? null : GUIDANCE,
        algorithm,
      });

    before(async () => {
      pipeline = await load('flow_grpo');
      pipeline.transformer.addLora({ rank: 2, key: RandomKey.fromSeed(1) });
    });
    after(() => pipeline.dispose());

    /** A guided rollout of two groups, with the configuration that it is replayed by. */
    async function rollOut(modelConfig: DiffusionModelConfig) {
      const batch = await rolloutGroups(pipeline, PROMPTS, {
        key: RandomKey.fromSeed(1),
        groupSize: 2,
        sdeWindowRange: [0, 3],
        noiseLevel: modelConfig.algo.noise_level,
        sdeType: modelConfig.algo.sde_type,
      });
      return { batch, advantages: groupAdvantages([1, 2, 5, 3], batch.groups, { width: 2 }) };
    }

    for (const algorithm of ALGORITHMS) {
      it(`${algorithm}: a rollout replayed has ratio exactly 1, and gradients`, async () => {
        const key = { architecture: name, algorithm };
        assert.equal(
          VllmOmniPipelineBase.getClass(name, algorithm),
          VllmOmniPipelineBase.getClass(name, 'flow_grpo'),
        );
        assert.equal(
          DiffusionModelBase.getClass(key),
          DiffusionModelBase.getClass({ ...key, algorithm: 'flow_grpo' }),
        );
        const before = tf.memory().numTensors;
        const sde_type = algorithm === 'dance_grpo' ? 'dance_sde' : 'sde';
        const modelConfig = pipeline.modelConfig.with({ algo: { noise_level: 0.7, sde_type } });
        const scheduler = buildScheduler(modelConfig);
        const policy = { transformer: pipeline.transformer, scheduler, modelConfig };
        const { batch, advantages } = await rollOut(modelConfig);
        assert.notEqual(batch.tensors.negative_prompt_embeds, null);
        const replayed = await replayPolicy(policy, batch);
        assert.deepEqual(values(replayed.log_probs), values(batch.tensors.all_log_probs));
        const old_prev_sample_mean = replayed.prev_sample_mean;
        const compared = new RolloutBatch({ ...batch.tensors, old_prev_sample_mean }, batch);
        const result = await policyGradients(policy, compared, advantages, {
          lossMode: algorithm,
        });
        assert.deepEqual([result.ratioMean, result.ratioGap], [1, 0]);
        const moved = [...result.gradients].filter(([, one]) => values(one).some((g) => g !== 0));
        assert.ok(moved.length > 0 && moved.every(([weight]) => weight.includes('lora_B')));
        result.dispose();
        compared.dispose();
        tf.dispose([advantages, replayed.log_probs]);
        scheduler.dispose();
        assert.equal(tf.memory().numTensors, before);
      });
    }

    it('rolloutGroups() pads embeddings only where the transformer leaves padding out', async () => {
      const options = { key: RandomKey.fromSeed(1), groupSize: 2, sdeWindowRange: [0, 3] as const };
      const plain = await rolloutGroups(pipeline, PROMPTS, options);
      const padded = await rolloutGroups(pipeline, PROMPTS, { ...options, padTokensTo: 16 });
      const gaps = tf.tidy(() =>
        values(tf.sub(plain.tensors.all_latents, padded.tensors.all_latents)).map(Math.abs),
      );
      assert.ok(Math.max(...gaps) < 1e-5);
      const tokens = padded.tensors.prompt_embeds.shape[1];
      if (pipeline.masksPadding) assert.equal(tokens % 16, 0);
      else assert.equal(tokens, plain.tensors.prompt_embeds.shape[1]);
      plain.dispose();
      padded.dispose();
    });

    it('rolloutGroups() gives each picture the same noise whatever the size of micro-batches', async () => {
      const options = { key: RandomKey.fromSeed(1), groupSize: 2, sdeWindowRange: [0, 3] as const };
      const [whole, parts] = [
        await rolloutGroups(pipeline, PROMPTS, options),
        await rolloutGroups(pipeline, PROMPTS, { ...options, microBatchSize: 3 }),
      ];
      const other = values(parts.tensors.all_latents);
      values(whole.tensors.all_latents).forEach((value, at) =>
        assert.ok(Math.abs(value - other[at]) < 1e-4),
      );
      const pooled = (batch: RolloutBatch) => batch.tensors.pooled_prompt_embeds?.shape;
      assert.deepEqual(pooled(parts), pooled(whole));
      whole.dispose();
      parts.dispose();
    });

    it('FlowGRPOTrainer starts from ratio 1, changes adapters alone, and leaves no tensors', async () => {
      const other = await load('dance_grpo');
      const options: FlowGRPOOptions = {
        prompts: PROMPTS,
        reward: 'redness',
        groupSize: 2,
        promptsPerStep: 2,
        sdeWindowRange: [0, 3],
        compile: false,
        warmupSteps: 0,
        lora: { rank: 2 },
      };
      const trainer = new FlowGRPOTrainer(other, options);
      assert.equal(trainer.settings.sdeType, 'dance_sde');
      const weights = () =>
        [...other.transformer.trainableVariables()].map(([weight, one]) => [weight, values(one)]);
      const parameters = () => [...other.transformer.parameters.values()].map(values);
      const [frozen, start] = [parameters(), weights()];
      const first = await trainer.step();
      assert.deepEqual([first.ratioMean, first.replayGap, first.clipFraction], [1, 0, 0]);
      const changed = weights().filter(([, now], at) => String(now) !== String(start[at][1]));
      assert.ok(changed.length > 0 && changed.every(([weight]) => String(weight).includes('lora')));
      assert.deepEqual(parameters(), frozen);
      const tensors = tf.memory().numTensors;
      const second = await trainer.step();
      assert.deepEqual([second.ratioMean, second.replayGap], [1, 0]);
      assert.equal(tf.memory().numTensors, tensors);
      trainer.dispose();
      other.dispose();
    });
  });
}
