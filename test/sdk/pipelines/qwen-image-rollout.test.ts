import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
  QwenImage,
  RandomKey,
  applyPromptTemplate,
  drawSdeWindow,
  keyGenerator,
  loadPipeline,
  prepareModelInputs,
  replayGenerator,
  forwardAndSamplePreviousStep,
  tf,
  type ForwardOptions,
  type PixelImage,
  type QwenImagePipelineWithLogProb,
  type RolloutTensors,
} from '@flowbook/sdk';

const MODEL = join(__dirname, '../../golden/models/tiny-qwen-image');
const PROMPTS = ['a red fox', 'two cats on a sofa'];

describe('QwenImagePipelineWithLogProb', () => {
  let pipeline: QwenImagePipelineWithLogProb;

  before(async () => {
    pipeline = await loadPipeline(MODEL, { height: 32, width: 32, num_inference_steps: 4 });
  });

  after(() => pipeline.dispose());

  function rollOut(options: ForwardOptions = {}, prompts = PROMPTS, seed = 7) {
    return pipeline.forward(
      { prompts, sampling_params: { seed } },
      { numInferenceSteps: 4, sdeWindowSize: 2, trueCfgScale: 1, outputType: 'pt', ...options },
    );
  }

  function release({ output, customOutput }: Awaited<ReturnType<typeof rollOut>>): void {
    tf.dispose(Object.values(customOutput).filter((one) => one !== null));
    if (output instanceof tf.Tensor) output.dispose();
  }

  function values(tensor: tf.Tensor | null): number[] {
    return Array.from((tensor as tf.Tensor).dataSync());
  }

  it('forward() returns the picture and the seven tensors of a rollout', async () => {
    const result = await rollOut({ trueCfgScale: 4, compat: 'verl-omni' });
    const { all_latents, all_log_probs, all_timesteps, ...rest } = result.customOutput;
    assert.deepEqual((result.output as tf.Tensor).shape, [2, 3, 32, 32]);
    assert.deepEqual(all_latents.shape, [2, 3, 4, 16]);
    assert.deepEqual(all_log_probs?.shape, [2, 2]);
    assert.deepEqual(all_timesteps.shape, [2, 2]);
    assert.deepEqual(Object.keys(rest), [
      'prompt_embeds',
      'prompt_embeds_mask',
      'negative_prompt_embeds',
      'negative_prompt_embeds_mask',
    ]);
    assert.equal(rest.negative_prompt_embeds, null);
    release(result);
  });

  it('forward() gives pictures as bytes by default', async () => {
    const result = await rollOut({ outputType: undefined });
    const [image] = result.output as PixelImage[];
    assert.deepEqual([image.width, image.height, image.data.length], [32, 32, 32 * 32 * 3]);
    release(result);
  });

  it('forward() returns nothing for a request without prompts', async () => {
    assert.deepEqual(await pipeline.forward({}), { output: null, customOutput: {} });
  });

  it('forward() refuses guidance without a negative prompt when asked for it; verl-omni goes without', async () => {
    await assert.rejects(rollOut({ trueCfgScale: 4 }), {
      message:
        'Cannot apply true classifier-free guidance as it needs a negative prompt: current true_cfg_scale is 4',
    });
    const unasked = await rollOut({ trueCfgScale: undefined });
    const compat = await rollOut({ trueCfgScale: 4, compat: 'verl-omni' });
    for (const result of [unasked, compat]) {
      assert.equal(result.customOutput.negative_prompt_embeds, null);
      release(result);
    }
  });

  it('forward() refuses one step of a stretched schedule; verl-omni makes a picture of NaN', async () => {
    const stretched = await loadPipeline(MODEL, { height: 32, width: 32 });
    const request = { prompts: ['a'], sampling_params: { output_type: 'latent' } } as const;
    const before = tf.memory().numTensors;
    await assert.rejects(stretched.forward(request, { numInferenceSteps: 1 }), {
      message:
        'Cannot make pictures as the times of the 1 steps must be finite: current values are NaN',
    });
    assert.equal(tf.memory().numTensors, before);
    const result = await stretched.forward(request, { numInferenceSteps: 1, compat: 'verl-omni' });
    assert.ok(values(result.output as tf.Tensor).every(Number.isNaN));
    release(result);
    stretched.dispose();
  });

  it('forward() tells equal times apart by their place', async () => {
    const sigmas = [1, 0.5, 0.5, 0.25];
    const latents = keyGenerator(3).randn([2, 4, 16]);
    const twice = await rollOut({ sigmas, latents, noiseLevel: 0, outputType: 'latent' });
    const options = { sigmas: [1, 0.5, 0.25], numInferenceSteps: 3 };
    const once = await rollOut({ ...options, latents, noiseLevel: 0, outputType: 'latent' });
    const gaps = values(tf.sub(twice.output as tf.Tensor, once.output as tf.Tensor));
    assert.ok(Math.max(...gaps.map(Math.abs)) < 1e-5);
    latents.dispose();
    [twice, once].forEach(release);
  });

  it("forward() takes the request's token ids before its options', which verl-omni does not", async () => {
    const { tokenizer } = pipeline;
    const [asked, given] = PROMPTS.map((text) => tokenizer.encode(applyPromptTemplate(text)));
    const embeddingOf = async (ids: object, options: ForwardOptions = {}) => {
      const result = await pipeline.forward(
        { prompts: [ids] },
        { numInferenceSteps: 2, outputType: 'latent', trueCfgScale: 1, ...options },
      );
      const embedding = values(result.customOutput.prompt_embeds);
      release(result);
      return embedding;
    };
    const own = await embeddingOf({ prompt_token_ids: asked });
    const other = await embeddingOf({}, { promptTokenIds: given });
    assert.notDeepEqual(own, other);
    assert.deepEqual(await embeddingOf({ prompt_ids: asked }, { promptTokenIds: given }), own);
    const compat = { promptTokenIds: given, compat: 'verl-omni' } as const;
    assert.deepEqual(await embeddingOf({ prompt_token_ids: asked }, compat), other);
    const longMask = { prompt_token_ids: asked, prompt_mask: [...asked.map(() => 1), 0, 0] };
    assert.deepEqual(await embeddingOf(longMask), own);
  });

  it('forward() gives the same bits for the same seed', async () => {
    const [first, second] = [await rollOut(), await rollOut()];
    assert.deepEqual(
      values(first.customOutput.all_latents),
      values(second.customOutput.all_latents),
    );
    assert.deepEqual(values(first.output as tf.Tensor), values(second.output as tf.Tensor));
    [first, second].forEach(release);
  });

  it('forward() gives a row the same picture to 1e-5 in any batch', async () => {
    const together = await rollOut();
    const alone = await rollOut({}, PROMPTS.slice(0, 1));
    const [a, b] = [values(together.output as tf.Tensor), values(alone.output as tf.Tensor)];
    b.forEach((value, at) => assert.ok(Math.abs(value - a[at]) < 1e-5));
    [together, alone].forEach(release);
  });

  it('forward() at noise level 0 follows the ODE', async () => {
    const latents = keyGenerator(3).randn([2, 4, 16]);
    const quiet = await rollOut({ latents, noiseLevel: 0, outputType: 'latent', logprobs: false });
    const late = await rollOut({
      latents,
      noiseLevel: 0,
      sdeType: 'cps',
      outputType: 'latent',
      sdeWindowRange: [2, 4],
    });
    const { prompt_embeds, prompt_embeds_mask } = quiet.customOutput;
    const sigmas = pipeline.scheduler.sigmaValues;
    const x = tf.tidy(() => {
      let current: tf.Tensor = latents;
      for (let step = 0; step < 4; step++) {
        const [v] = pipeline.transformer.forward({
          hidden_states: current as tf.Tensor3D,
          timestep: tf.fill([2], sigmas[step]),
          encoder_hidden_states: prompt_embeds,
          encoder_hidden_states_mask: prompt_embeds_mask,
          img_shapes: [[[1, 2, 2]], [[1, 2, 2]]],
          return_dict: false,
        });
        current = tf.add(current, tf.mul(v, sigmas[step + 1] - sigmas[step]));
      }
      return current;
    });
    for (const result of [quiet, late]) {
      const gaps = values(tf.sub(result.output as tf.Tensor, x)).map(Math.abs);
      assert.ok(Math.max(...gaps) < 1e-5, String(Math.max(...gaps)));
    }
    tf.dispose([latents, x]);
    [quiet, late].forEach(release);
  });

  for (const sdeType of ['sde', 'cps', 'dance_sde']) {
    for (const trueCfgScale of [1, 4]) {
      it(`a rollout (${sdeType}, guidance ${trueCfgScale}) replayed returns its own log-probabilities`, async () => {
        const prompts = PROMPTS.map((prompt) => ({ prompt, negative_prompt: 'blurry' }));
        const { output, customOutput } = await pipeline.forward(
          { prompts, sampling_params: { seed: 1, extra_args: { noise_level: 0.5 } } },
          { numInferenceSteps: 4, sdeWindowSize: 3, trueCfgScale, sdeType, outputType: 'latent' },
        );
        const modelConfig = pipeline.modelConfig.with({
          pipeline: { true_cfg_scale: trueCfgScale },
          algo: { noise_level: 0.5, sde_type: sdeType },
        });
        const scheduler = QwenImage.buildScheduler(modelConfig);
        for (let step = 0; step < 3; step++) {
          const replayed = replay(modelConfig, scheduler, customOutput, step);
          const own = values(tf.gather(customOutput.all_log_probs as tf.Tensor2D, step, 1));
          assert.deepEqual(values(replayed), own);
        }
        scheduler.dispose();
        release({ output, customOutput });
      });
    }
  }

  /** What `prepareModelInputs` takes of a rollout's batch, in its order. */
  function embeddedLatents(batch: RolloutTensors) {
    return [
      batch.all_latents,
      batch.all_timesteps,
      batch.prompt_embeds,
      batch.prompt_embeds_mask,
      batch.negative_prompt_embeds,
      batch.negative_prompt_embeds_mask,
    ] as const;
  }

  function replay(
    modelConfig: QwenImagePipelineWithLogProb['modelConfig'],
    scheduler: ReturnType<typeof QwenImage.buildScheduler>,
    batch: RolloutTensors,
    step: number,
  ): tf.Tensor {
    const [inputs, negativeInputs] = prepareModelInputs(
      pipeline.transformer,
      modelConfig,
      ...embeddedLatents(batch),
      {},
      step,
    );
    const [logProb] = forwardAndSamplePreviousStep(
      pipeline.transformer,
      scheduler,
      modelConfig,
      inputs,
      negativeInputs,
      batch,
      step,
    );
    return logProb;
  }

  it('prepareModelInputs() of the adapter gives what the transformer takes, by its type, too', async () => {
    const { output, customOutput: batch } = await rollOut({ outputType: 'latent' });
    tf.tidy(() => {
      const [inputs, negative] = QwenImage.prepareModelInputs(
        pipeline.transformer,
        pipeline.modelConfig,
        ...embeddedLatents(batch),
        batch,
        0,
      );
      const [velocity] = pipeline.transformer.forward({ ...inputs, return_dict: false });
      assert.deepEqual(velocity.shape, [2, 4, 16]);
      assert.equal(negative.encoder_hidden_states, null);
    });
    release({ output, customOutput: batch });
  });

  it('forward() leaves as many tensors as it returns, also when it is stopped', async () => {
    release(await rollOut());
    const before = tf.memory().numTensors;
    release(await rollOut());
    assert.equal(tf.memory().numTensors, before);
    const controller = new AbortController();
    const stopped = rollOut({
      signal: controller.signal,
      callbackOnStepEnd: ({ step }) => {
        if (step === 1) controller.abort(new Error('enough'));
      },
    });
    await assert.rejects(stopped, { message: 'enough' });
    assert.equal(tf.memory().numTensors, before);
  });

  it('forward() shows each step to the callback', async () => {
    const seen: [number, string[]][] = [];
    release(
      await rollOut({
        callbackOnStepEnd: ({ step, tensors }) => {
          seen.push([step, Object.keys(tensors)]);
        },
      }),
    );
    assert.deepEqual(
      seen,
      [0, 1, 2, 3].map((step) => [step, ['latents']]),
    );
  });

  it('forward() takes a scale of the adapters as attentionKwargs, and nothing else', async () => {
    const { transformer } = pipeline;
    const pictureOf = async (attentionKwargs?: ForwardOptions['attentionKwargs']) => {
      const result = await rollOut({ outputType: 'latent', attentionKwargs });
      const pixels = values(result.output as tf.Tensor);
      release(result);
      return pixels;
    };
    const without = await pictureOf();
    transformer.addLora({ rank: 2, key: RandomKey.fromSeed(1) });
    for (const [name, variable] of transformer.trainableVariables()) {
      if (name.includes('lora_B')) tf.tidy(() => variable.assign(tf.fill(variable.shape, 0.05)));
    }
    assert.notDeepEqual(await pictureOf(), without);
    assert.deepEqual(await pictureOf({ scale: 0 }), without);
    await assert.rejects(
      // @ts-expect-error: another key
      pictureOf({ mask: 1 }),
      /attention_kwargs must be \{scale\}: current value is \{mask\}/,
    );
    transformer.adapters.remove('default');
  });

  it('forward() lets the request go before the options', async () => {
    const result = await pipeline.forward(
      { prompts: ['a'], sampling_params: { num_inference_steps: 3, output_type: 'latent' } },
      { numInferenceSteps: 5, outputType: 'pt' },
    );
    assert.deepEqual((result.output as tf.Tensor).shape, [1, 4, 16]);
    assert.deepEqual(result.customOutput.all_timesteps.shape, [1, 2]);
    release(result);
  });

  it('forward() with a compiled transformer agrees with the plain one', async () => {
    const [plain, compiled] = [await rollOut(), await rollOut({ compile: true })];
    const gaps = values(tf.sub(plain.output as tf.Tensor, compiled.output as tf.Tensor));
    assert.ok(Math.max(...gaps.map(Math.abs)) < 1e-4);
    [plain, compiled].forEach(release);
  });
});

describe('drawSdeWindow()', () => {
  const settings = { size: 2, range: [0, 5] as const, steps: 10 };

  it('takes all steps but the last without a size', () => {
    assert.deepEqual(drawSdeWindow({ ...settings, size: null }, keyGenerator(0)), [0, 9]);
  });

  it('starts anywhere that fits the range', () => {
    const starts = [0, 1, 2, 3].map((start) =>
      drawSdeWindow(settings, replayGenerator([], [start])),
    );
    assert.deepEqual(starts, [
      [0, 2],
      [1, 3],
      [2, 4],
      [3, 5],
    ]);
    assert.throws(() => drawSdeWindow(settings, replayGenerator([], [4])), /must be 0 to 3/);
  });

  it('shares one window among rows, and gives each its own for verl-omni', () => {
    const rows = () => [replayGenerator([], [0]), replayGenerator([], [3])];
    assert.deepEqual(drawSdeWindow(settings, rows()), [0, 2]);
    assert.deepEqual(drawSdeWindow(settings, rows(), 'verl-omni'), [
      [0, 2],
      [3, 5],
    ]);
  });

  it('lies within the steps; verl-omni draws from the whole range and cuts what is beyond', () => {
    const few = { ...settings, steps: 4 };
    assert.throws(() => drawSdeWindow(few, replayGenerator([], [3])), /must be 0 to 2/);
    assert.deepEqual(drawSdeWindow(few, replayGenerator([], [3]), 'verl-omni'), [3, 4]);
  });

  it('refuses a window that does not fit', () => {
    assert.throws(() => drawSdeWindow({ ...settings, size: 6 }, keyGenerator(0)), {
      message:
        'Cannot place an SDE window as its size must fit its range within the 10 steps: current values are size 6 and range [0, 5]',
    });
  });
});
