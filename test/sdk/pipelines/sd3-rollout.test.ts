import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
  CLIPTokenizer,
  StableDiffusion3FlowGRPO,
  StableDiffusion3PipelineWithLogProb,
  T5Tokenizer,
  forwardAndSamplePreviousStep,
  keyGenerator,
  loadPipeline,
  prepareModelInputs,
  tf,
  type RolloutRequest,
  type SD3ForwardOptions,
  type SD3TransformerInputs,
} from '@flowbook/sdk';
import { distance, release, values } from './rollout-architectures';

const models = join(__dirname, '../../golden/models');
const PROMPTS = ['a red fox', 'two golden cats'];
const SMALL = { numInferenceSteps: 4, maxSequenceLength: 8, outputType: 'latent' } as const;

for (const model of ['tiny-sd3', 'tiny-sd35']) {
  describe(`StableDiffusion3PipelineWithLogProb of ${model}`, () => {
    let pipeline: StableDiffusion3PipelineWithLogProb;

    before(async () => {
      const size = { height: 32, width: 48, num_inference_steps: 4 };
      pipeline = await loadPipeline<StableDiffusion3PipelineWithLogProb>(join(models, model), size);
    });
    after(() => pipeline.dispose());

    const roll = (request: RolloutRequest, options: SD3ForwardOptions = {}) =>
      pipeline.forward(request, { generator: keyGenerator(3), ...SMALL, ...options });

    it('forward() returns the picture and the nine tensors of a rollout', async () => {
      const result = await roll({ prompts: PROMPTS }, { outputType: 'pt', guidanceScale: 4 });
      assert.deepEqual((result.output as tf.Tensor).shape, [2, 3, 32, 48]);
      const shapes = Object.entries(result.customOutput).map(([name, tensor]) => [
        name,
        (tensor as tf.Tensor).shape,
      ]);
      assert.deepEqual(shapes, [
        ['all_latents', [2, 4, 4, 4, 6]],
        ['all_log_probs', [2, 3]],
        ['all_timesteps', [2, 3]],
        ['prompt_embeds', [2, 85, 48]],
        ['prompt_embeds_mask', [2, 85]],
        ['pooled_prompt_embeds', [2, 40]],
        ['negative_prompt_embeds', [2, 85, 48]],
        ['negative_prompt_embeds_mask', [2, 85]],
        ['negative_pooled_prompt_embeds', [2, 40]],
      ]);
      release(result);
      const unguided = await roll({ prompts: PROMPTS });
      assert.equal(unguided.customOutput.negative_pooled_prompt_embeds, null);
      release(unguided);
    });

    for (const sdeType of ['sde', 'cps', 'dance_sde']) {
      for (const guidanceScale of [1, 4]) {
        it(`a rollout (${sdeType}, guidance ${guidanceScale}) replayed returns its own log-probabilities`, async () => {
          const noise_level = 0.5;
          const result = await roll(
            { prompts: PROMPTS, sampling_params: { extra_args: { noise_level } } },
            { sdeType, guidanceScale },
          );
          const batch = result.customOutput;
          const modelConfig = pipeline.modelConfig.with({
            pipeline: { guidance_scale: guidanceScale },
            algo: { noise_level, sde_type: sdeType },
          });
          const scheduler = StableDiffusion3FlowGRPO.buildScheduler(modelConfig);
          for (let step = 0; step < 3; step++) {
            tf.tidy(() => {
              const { transformer } = pipeline;
              const [inputs, negativeInputs] = prepareModelInputs(
                transformer,
                modelConfig,
                batch.all_latents,
                batch.all_timesteps,
                batch.prompt_embeds,
                null,
                batch.negative_prompt_embeds,
                null,
                batch,
                step,
              );
              assert.equal(negativeInputs === null, guidanceScale === 1);
              const [replayed] = forwardAndSamplePreviousStep(
                transformer,
                scheduler,
                modelConfig,
                inputs,
                negativeInputs,
                batch,
                step,
              );
              const own = tf.gather(batch.all_log_probs as tf.Tensor2D, step, 1);
              assert.deepEqual(values(replayed), values(own));
            });
          }
          scheduler.dispose();
          release(result);
        });
      }
    }

    it('forward() at noise level 0 follows the ODE, by the raw time', async () => {
      const latents = keyGenerator(3).randn([2, 4, 4, 6]);
      const result = await roll({ prompts: PROMPTS }, { latents, noiseLevel: 0, logprobs: false });
      const { prompt_embeds, pooled_prompt_embeds } = result.customOutput;
      const { sigmaValues: sigmas, timestepValues: times } = pipeline.scheduler;
      const x = tf.tidy(() => {
        let current: tf.Tensor = latents;
        for (let step = 0; step < 4; step++) {
          const [v] = pipeline.transformer.forward({
            hidden_states: current as tf.Tensor4D,
            timestep: tf.fill([2], times[step]),
            encoder_hidden_states: prompt_embeds,
            pooled_projections: pooled_prompt_embeds as tf.Tensor2D,
            return_dict: false,
          });
          current = tf.add(current, tf.mul(v, sigmas[step + 1] - sigmas[step]));
        }
        return current;
      });
      assert.ok(distance(result.output, x) < 1e-5);
      assert.ok(times[0] > 999 && sigmas[4] === 0);
      tf.dispose([latents, x]);
      release(result);
    });

    it('forward() leads away from the empty prompt where there is no negative one', async () => {
      const guided = (negatives: (string | null)[], negativePrompt?: string) =>
        roll(
          { prompts: PROMPTS.map((prompt, row) => ({ prompt, negative_prompt: negatives[row] })) },
          { guidanceScale: 4, negativePrompt },
        );
      const [none, empty, optional, some] = [
        await guided([null, null]),
        await guided(['', '']),
        await guided([null, null], 'blurry'),
        await guided(['blurry', null]),
      ];
      assert.deepEqual(values(none.output), values(empty.output));
      const half = values(some.output).length / 2;
      assert.ok(distance(none.output, optional.output) > 1e-3);
      const rows = (result: typeof none, from: number) =>
        values(result.output).slice(from, from + half);
      const gap = (a: number[], b: number[]) =>
        Math.max(...a.map((value, at) => Math.abs(value - b[at])));
      assert.ok(gap(rows(some, 0), rows(optional, 0)) < 1e-5);
      assert.ok(gap(rows(some, half), rows(none, half)) < 1e-5);
      [none, empty, optional, some].forEach(release);
    });

    it('forward() takes token ids for each text encoder as it takes their texts', async () => {
      const clip = CLIPTokenizer.fromPretrained(join(models, model));
      const t5 = T5Tokenizer.fromPretrained(join(models, model));
      const idsOf = (text: string) => ({ clip: clip.encode(text), t5: t5.encode(text) });
      const byText = await roll(
        { prompts: PROMPTS.map((prompt) => ({ prompt, negative_prompt: 'blurry' })) },
        { guidanceScale: 4, maxSequenceLength: 32 },
      );
      const byIds = await roll(
        {
          prompts: PROMPTS.map((prompt) => ({
            extra_prompt_ids: idsOf(prompt),
            negative_extra_prompt_ids: idsOf('blurry'),
          })),
        },
        { guidanceScale: 4, maxSequenceLength: 32 },
      );
      assert.deepEqual(values(byIds.output), values(byText.output));
      [byText, byIds].forEach(release);
    });

    it('forward() refuses ids for one tokenizer, and ids without one of the encoders', async () => {
      await assert.rejects(roll({ prompts: [{ prompt_token_ids: [1, 2] }] }), {
        message:
          'Cannot embed prompts as token ids must be given for each text encoder, as extra_prompt_ids: { clip, t5 }: current value is one list, prompt_token_ids',
      });
      await assert.rejects(roll({ prompts: [{ extra_prompt_ids: { clip: [1, 2] } }] }), {
        message:
          'Cannot encode prompts as tokens must be lists of ids for clip and t5: current value of t5 at prompt 0 is undefined',
      });
    });

    it('forward() refuses ids or a text of some prompts alone, which verl-omni takes for the empty prompt', async () => {
      const ids = { clip: [1097, 320], t5: [11, 1] };
      const before = tf.memory().numTensors;
      const someHave = (what: string) => ({
        message: `Cannot embed prompts as either all or none must have ${what}: current number is 1 of 2`,
      });
      const oneList = (field: string, name: string) => ({
        message: `Cannot embed prompts as token ids must be given for each text encoder, as ${field}: { clip, t5 }: current value is one list, ${name}`,
      });
      const mixed = ['a red fox', { extra_prompt_ids: ids }];
      await assert.rejects(roll({ prompts: mixed }), someHave('extra_prompt_ids'));
      await assert.rejects(
        roll({ prompts: ['a red fox', { negative_prompt: 'blurry' }] }),
        someHave('a positive text'),
      );
      await assert.rejects(
        roll({ prompts: ['a red fox', { prompt_token_ids: [1, 2] }] }),
        oneList('extra_prompt_ids', 'prompt_token_ids'),
      );
      const [given, none] = [{ negative_extra_prompt_ids: ids }, {}];
      for (const own of [{ prompt: 'a red fox' }, { extra_prompt_ids: ids }]) {
        await assert.rejects(
          roll({ prompts: [given, none].map((one) => ({ ...own, ...one })) }, { guidanceScale: 4 }),
          someHave('negative_extra_prompt_ids'),
        );
      }
      await assert.rejects(
        roll({ prompts: [{ prompt: 'a', negative_prompt_ids: [1] }] }, { guidanceScale: 4 }),
        oneList('negative_extra_prompt_ids', 'negative_prompt_ids'),
      );
      assert.equal(tf.memory().numTensors, before);
      const empty = await roll({ prompts: ['a red fox', ''] });
      const upstream = await roll({ prompts: mixed }, { compat: 'verl-omni' });
      assert.deepEqual(values(upstream.output), values(empty.output));
      [empty, upstream].forEach(release);
    });

    it('forward() takes negative ids beside a text, which verl-omni leaves unread', async () => {
      const clip = CLIPTokenizer.fromPretrained(join(models, model));
      const t5 = T5Tokenizer.fromPretrained(join(models, model));
      const ids = { clip: clip.encode('blurry'), t5: t5.encode('blurry') };
      const guided = (negative: object, compat: 'verl-omni' | null = null) =>
        roll({ prompts: [{ prompt: 'a', ...negative }] }, { guidanceScale: 4, compat });
      const [byText, byIds, unread, none] = [
        await guided({ negative_prompt: 'blurry' }),
        await guided({ negative_extra_prompt_ids: ids }),
        await guided({ negative_extra_prompt_ids: ids }, 'verl-omni'),
        await guided({}),
      ];
      assert.deepEqual(values(byIds.output), values(byText.output));
      assert.deepEqual(values(unread.output), values(none.output));
      [byText, byIds, unread, none].forEach(release);
    });

    it('forward() makes a picture of the empty prompt, which verl-omni takes for none', async () => {
      const result = await roll({ prompts: [''] });
      assert.deepEqual((result.output as tf.Tensor).shape, [1, 4, 4, 6]);
      release(result);
      const none = await roll({ prompts: [''] }, { compat: 'verl-omni' });
      assert.deepEqual(none, { output: null, customOutput: {} });
    });

    it('forward() takes the prompt of its options where the request has none', async () => {
      const [asked, given] = [
        await roll({ prompts: PROMPTS.slice(0, 1) }),
        await roll({}, { prompt: PROMPTS[0] }),
      ];
      assert.deepEqual(values(asked.output), values(given.output));
      [asked, given].forEach(release);
    });

    it("forward() refuses Qwen-Image's scale of guidance, which verl-omni leaves unread", async () => {
      const request = { prompts: PROMPTS, sampling_params: { true_cfg_scale: 4 } };
      await assert.rejects(roll(request), {
        message:
          'Cannot guide Stable Diffusion 3 by true_cfg_scale as its scale is guidance_scale: current value is 4',
      });
      const unread = await roll(request, { compat: 'verl-omni' });
      assert.equal(unread.customOutput.negative_prompt_embeds, null);
      release(unread);
    });

    it('forward() refuses sizes that patches do not fill, and embeddings without pooled ones', async () => {
      const before = tf.memory().numTensors;
      await assert.rejects(roll({ prompts: PROMPTS }, { height: 40 }), {
        message:
          'Cannot make pictures as height and width must be multiples of 16: current values are 40 and 48',
      });
      const embeds = tf.zeros([1, 85, 48]);
      await assert.rejects(roll({}, { promptEmbeds: embeds }), {
        message:
          'Cannot embed prompts as prompt embeddings must be given with pooled ones: current value of the pooled ones is null',
      });
      embeds.dispose();
      assert.equal(tf.memory().numTensors, before);
    });

    it('forward() leaves as many tensors as it returns, also when it is stopped', async () => {
      const before = tf.memory().numTensors;
      release(await roll({ prompts: PROMPTS }, { guidanceScale: 4 }));
      assert.equal(tf.memory().numTensors, before);
      const controller = new AbortController();
      const stopped = roll(
        { prompts: PROMPTS },
        {
          signal: controller.signal,
          callbackOnStepEnd: ({ step, tensors }) => {
            assert.deepEqual(Object.keys(tensors), ['latents']);
            if (step === 1) controller.abort(new Error('enough'));
          },
        },
      );
      await assert.rejects(stopped, { message: 'enough' });
      assert.equal(tf.memory().numTensors, before);
    });
  });
}

describe('StableDiffusion3FlowGRPO', () => {
  const path = join(models, 'tiny-sd3');
  const tensors = () => {
    const [x, times] = [tf.zeros([1, 2, 4, 4, 4]), tf.tensor2d([[900, 800]])];
    return { x, times, embeds: tf.zeros([1, 85, 48]), pooled: tf.zeros([1, 40]) };
  };

  /** Inputs of step 1 with a scale of guidance, for negative embeddings and a batch. */
  function inputsOf(
    guidance_scale: number | null,
    negative: tf.Tensor | null,
    batch: Record<string, unknown>,
  ) {
    const { x, times, embeds } = tensors();
    return StableDiffusion3FlowGRPO.prepareModelInputs(
      { config: {}, forward: () => [] },
      { path, guidance_scale },
      x,
      times,
      embeds,
      null,
      negative,
      null,
      batch,
      1,
    );
  }

  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  it('buildScheduler() sets the static shift of the model directory', () => {
    const scheduler = StableDiffusion3FlowGRPO.buildScheduler({ path, num_inference_steps: 10 });
    const expected = [1, 0.96012932, 0.91334897, 0.8576923, 0.79036826];
    scheduler.sigmaValues
      .slice(0, 5)
      .forEach((sigma, at) => assert.ok(Math.abs(sigma - expected[at]) < 1e-6));
    scheduler.dispose();
  });

  it('prepareModelInputs() gives the raw time, no mask, and negative inputs with guidance alone', () => {
    const { embeds, pooled } = tensors();
    const batch = { pooled_prompt_embeds: pooled, negative_pooled_prompt_embeds: pooled };
    const both: [SD3TransformerInputs, SD3TransformerInputs | null] = inputsOf(null, embeds, batch);
    const [inputs, none] = both;
    assert.deepEqual(values(inputs.timestep), [800]);
    assert.deepEqual(Object.keys(inputs), [
      'hidden_states',
      'encoder_hidden_states',
      'pooled_projections',
      'timestep',
      'return_dict',
    ]);
    assert.equal(none, null);
    assert.equal(inputsOf(1, embeds, batch)[1], null);
    assert.equal(inputsOf(1.5, embeds, batch)[1]?.encoder_hidden_states, embeds);
  });

  it('prepareModelInputs() refuses a batch without what it reads', () => {
    const { embeds, pooled } = tensors();
    assert.throws(() => inputsOf(null, null, { height: 32 }), {
      message:
        'Cannot prepare model inputs as the batch must hold "pooled_prompt_embeds": present are height',
    });
    assert.throws(() => inputsOf(4, null, { pooled_prompt_embeds: pooled }), {
      message:
        'Cannot prepare model inputs as guidance needs embeddings of a negative prompt: current guidance_scale is 4',
    });
    assert.throws(() => inputsOf(4, embeds, { pooled_prompt_embeds: pooled }), {
      message:
        'Cannot prepare model inputs as the batch must hold "negative_pooled_prompt_embeds": present are pooled_prompt_embeds',
    });
  });
});
