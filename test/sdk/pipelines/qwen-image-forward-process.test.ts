import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
  DiffusionModelBase,
  QwenImageDPO,
  QwenImageDPOPipeline,
  QwenImageDiffusionNFT,
  QwenImageDiffusionNFTPipeline,
  RandomKey,
  VllmOmniPipelineBase,
  buildScheduler,
  keyGenerator,
  loadPipeline,
  pairsFromRollout,
  rolloutGroups,
  tf,
} from '@flowbook/sdk';

const MODEL = join(__dirname, '../../golden/models/tiny-qwen-image');
const SIZE = { height: 64, width: 32, num_inference_steps: 3 };

const values = (tensor: tf.Tensor) => Array.from(tensor.dataSync());

/** A stand-in for the transformer: predicts the mean of its words everywhere. */
const echo = {
  config: {},
  forward: ({ hidden_states, encoder_hidden_states }: Record<string, tf.Tensor>) => [
    tf.add(tf.zerosLike(hidden_states), tf.mean(encoder_hidden_states)),
  ],
};

const adapters: [algorithm: string, typeof QwenImageDPO][] = [
  ['diffusion_nft', QwenImageDiffusionNFT],
  ['dpo', QwenImageDPO],
];

for (const [algorithm, Adapter] of adapters) {
  const config = { path: MODEL, algorithm, ...SIZE };
  const latents = tf.zeros([2, 8, 16]);
  const times = tf.tensor1d([1000, 250]);
  const words = tf.fill([2, 3, 4], 2);
  const mask = tf.ones([2, 3]);

  describe(`Qwen-Image's training adapter for ${algorithm}`, () => {
    const prepare = (
      settings: object,
      batch: Record<string, unknown>,
      negative: tf.Tensor | null,
      { x = latents as tf.Tensor, t = times as tf.Tensor } = {},
    ) =>
      Adapter.prepareModelInputs(
        echo, settings as typeof config, x, t, words, mask, negative, negative && mask, batch, 0,
      ); // prettier-ignore

    it('is what DiffusionModelBase.getClass() gives', () => {
      assert.equal(DiffusionModelBase.getClass(config), Adapter);
    });

    it('prepareModelInputs() takes noised latents, scales times, and knows the picture', () => {
      const [inputs, negative] = prepare(config, {}, null);
      assert.equal(inputs.hidden_states, latents);
      assert.deepEqual(values(inputs.timestep as tf.Tensor), [1, 0.25]);
      assert.deepEqual(inputs.img_shapes, [[[1, 4, 2]], [[1, 4, 2]]]);
      assert.equal(inputs.guidance, null);
      assert.equal(inputs.encoder_hidden_states_mask, mask);
      assert.equal(negative, null);
      const [square] = prepare(config, { height: 32, width: 32 }, null);
      assert.deepEqual(square.img_shapes, [[[1, 2, 2]], [[1, 2, 2]]]);
    });

    it('prepareModelInputs() refuses a trajectory', () => {
      assert.throws(() => prepare(config, {}, null, { x: tf.zeros([2, 3, 8, 16]) }), {
        message:
          'Cannot prepare model inputs as a forward-process objective takes noised latents (B, S, C) and times (B): current shapes are [2,3,8,16] and [2]',
      });
      assert.throws(
        () => prepare(config, {}, null, { t: tf.zeros([2, 3]) }),
        /current shapes are \[2,8,16\] and \[2,3\]/,
      );
    });

    it('forward() guides by true classifier-free guidance, rescaled to the length of v+', () => {
      const guided = { ...config, true_cfg_scale: 4 };
      const [inputs, negative] = prepare(guided, {}, tf.ones([2, 3, 4]));
      assert.deepEqual(
        new Set(values(Adapter.forward(echo, guided, inputs, negative))),
        new Set([2]),
      );
      assert.deepEqual(new Set(values(Adapter.forward(echo, config, inputs, null))), new Set([2]));
      assert.throws(
        () => Adapter.forward(echo, guided, inputs, null),
        /Cannot apply true classifier-free guidance as it needs embeddings of a negative prompt/,
      );
    });

    it('forwardAndSamplePreviousStep() is refused', () => {
      assert.throws(
        () =>
          Adapter.forwardAndSamplePreviousStep(
            echo, buildScheduler(config), config, {}, null, {}, 0,
          ), // prettier-ignore
        {
          message: `Cannot sample the previous step as ${Adapter.name} learns from noised data, not from reverse steps: call ${Adapter.name}.forward() for the prediction`,
        },
      );
    });

    it('buildScheduler() gives the training schedule, unshifted where the shift is dynamic', () => {
      const { timestepValues, numInferenceSteps } = Adapter.buildScheduler(config);
      assert.deepEqual(
        [timestepValues[0], timestepValues[999], numInferenceSteps],
        [1000, 1, null],
      );
    });
  });
}

describe('QwenImageDPO', () => {
  it('prepareModelInputs() needs a mask', () => {
    const config = { path: MODEL, algorithm: 'dpo', ...SIZE };
    const [x, t, words] = [tf.zeros([2, 8, 16]), tf.ones([2]), tf.zeros([2, 3, 4])];
    assert.throws(
      () => QwenImageDPO.prepareModelInputs(echo, config, x, t, words, null, null, null, {}, 0),
      {
        message:
          'Cannot prepare model inputs as Diffusion-DPO needs promptEmbedsMask: current value is null',
      },
    );
  });
});

describe('QwenImageDiffusionNFTPipeline', () => {
  let pipeline: QwenImageDiffusionNFTPipeline;

  before(async () => {
    pipeline = await loadPipeline(MODEL, { ...SIZE, algorithm: 'diffusion_nft' });
  });

  after(() => pipeline.dispose());

  it('is registered, and so is its sibling for dpo', () => {
    const find = (algorithm: string) =>
      VllmOmniPipelineBase.getClass('QwenImagePipeline', algorithm);
    assert.equal(find('diffusion_nft'), QwenImageDiffusionNFTPipeline);
    assert.equal(find('dpo'), QwenImageDPOPipeline);
    assert.equal(
      VllmOmniPipelineBase.getPipelinePath('QwenImagePipeline', 'diffusion_nft'),
      '@flowbook/sdk#QwenImageDiffusionNFTPipeline',
    );
  });

  it('forward() walks the ODE whatever noise is asked for, and keeps clean latents and all times', async () => {
    const draw = keyGenerator(3).randn([2, 8, 16]);
    const count = tf.memory().numTensors;
    const { output, customOutput } = await pipeline.forward(
      {
        prompts: ['a red fox', 'two cats'],
        sampling_params: { extra_args: { noise_level: 1, sde_type: 'cps' } },
      },
      { latents: draw, numInferenceSteps: 3, trueCfgScale: 1, outputType: 'latent' },
    );
    const { latents_clean, train_timesteps, all_log_probs } = customOutput;
    assert.deepEqual(values(latents_clean), values(output as tf.Tensor));
    assert.equal(all_log_probs, null);
    const times = Array.from(pipeline.scheduler.timestepValues);
    assert.deepEqual(train_timesteps.arraySync(), [times, times]);
    const sigmas = Array.from(pipeline.scheduler.sigmaValues);
    const euler = tf.tidy(() => {
      let x: tf.Tensor = draw;
      for (const [step, t] of times.entries()) {
        const [v] = pipeline.transformer.forward({
          hidden_states: x as tf.Tensor3D,
          timestep: tf.fill([2], Math.fround(t / 1000)),
          encoder_hidden_states: customOutput.prompt_embeds,
          encoder_hidden_states_mask: customOutput.prompt_embeds_mask,
          img_shapes: [[[1, 4, 2]], [[1, 4, 2]]],
          return_dict: false,
        });
        x = tf.add(x, tf.mul(v, sigmas[step + 1] - sigmas[step]));
      }
      return values(x);
    });
    values(latents_clean).forEach((value, at) => assert.ok(Math.abs(value - euler[at]) < 1e-5));
    tf.dispose([output, ...Object.values(customOutput)] as tf.Tensor[]);
    assert.equal(tf.memory().numTensors, count);
  });

  it('forward() takes as many steps as there are sigmas', async () => {
    const options = { sigmas: [1, 0.6, 0.3], trueCfgScale: 1, outputType: 'latent' } as const;
    const { output, customOutput } = await pipeline.forward({ prompts: ['a red fox'] }, options);
    assert.deepEqual(customOutput.train_timesteps.shape, [1, 3]);
    assert.deepEqual(values(customOutput.latents_clean), values(output as tf.Tensor));
    tf.dispose([output, ...Object.values(customOutput)] as tf.Tensor[]);
  });

  it('forward() is empty without prompts', async () => {
    assert.deepEqual(await pipeline.forward({}), { output: null, customOutput: {} });
  });

  it('pairsFromRollout() pairs the best with the worst of a group, and can leave ties out', async () => {
    const scheduler = QwenImageDPO.buildScheduler({ path: MODEL, algorithm: 'dpo' });
    const count = tf.memory().numTensors;
    const batch = await rolloutGroups(pipeline, [{ prompt: 'a fox' }, { prompt: 'a cat' }], {
      key: RandomKey.fromSeed(1),
      groupSize: 3,
      sdeWindowSize: 1,
      sdeWindowRange: [2, 3],
    });
    const held = tf.memory().numTensors;
    const rewards = [0.5, 0.25, 1, 2, 2, 2];
    const pairs = pairsFromRollout(batch, rewards, scheduler);
    const clean = batch.tensors.latents_clean as tf.Tensor;
    assert.deepEqual(
      values(pairs?.latents_clean as tf.Tensor),
      [2, 1].flatMap((row) => values(tf.gather(clean, row))),
    );
    assert.deepEqual(values(pairs?.sample_level_rewards as tf.Tensor), [1, 0.25]);
    const kept = pairsFromRollout(batch, rewards, scheduler, { ties: 'keep' });
    assert.equal(kept?.latents_clean.shape[0], 4);
    assert.equal(pairsFromRollout(batch, [1, 1, 1, 2, 2, 2], scheduler), null);
    const unrated = [Infinity, 1, NaN, -Infinity, 2, NaN];
    assert.equal(pairsFromRollout(batch, unrated, scheduler), null, 'one of each group is rated');
    for (const few of [rewards.slice(1), [...rewards, 3]]) {
      assert.throws(() => pairsFromRollout(batch, few, scheduler), {
        message: `Cannot make pairs of a rollout as there must be one reward for each of its 6 pictures: current number is ${few.length}`,
      });
    }
    tf.dispose(
      [pairs, kept].flatMap((made) =>
        Object.values(made ?? {}).filter((value) => value instanceof tf.Tensor),
      ),
    );
    assert.equal(tf.memory().numTensors - held, 2); // the two rows gathered above
    batch.dispose();
    assert.ok(tf.memory().numTensors <= count + 2);
  });

  it('pairsFromRollout() refuses groups of one', async () => {
    const scheduler = QwenImageDPO.buildScheduler({ path: MODEL, algorithm: 'dpo' });
    const batch = await rolloutGroups(pipeline, [{ prompt: 'a fox' }], {
      key: RandomKey.fromSeed(1),
      groupSize: 1,
      sdeWindowSize: 1,
      sdeWindowRange: [2, 3],
    });
    assert.throws(() => pairsFromRollout(batch, [1], scheduler), {
      message:
        'Cannot make pairs of a rollout as a group must have at least two pictures: there are 1 groups of one',
    });
    batch.dispose();
  });
});
