import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
  DiffusionModelBase,
  FlowMatchEulerDiscreteScheduler,
  RandomKey,
  SD3Transformer2DModel,
  StableDiffusion3DPO,
  checkPairs,
  dpoGradients,
  keyGenerator,
  noisePairs,
  offlineLatents,
  predictNoised,
  prepareModelInputs,
  referencePredictions,
  selectPairs,
  tf,
  trainingTimes,
  type PairBatch,
} from '@flowbook/sdk';

const MODEL = join(__dirname, '../../golden/models/tiny-sd3');
const CONFIG = { path: MODEL, algorithm: 'dpo' };
const GUIDED = { ...CONFIG, guidance_scale: 3 };

const values = (tensor: tf.Tensor) => Array.from(tensor.dataSync());

/** A stand-in for the transformer: predicts its pooled embedding everywhere. */
const echo = {
  config: {},
  forward: ({ hidden_states, pooled_projections }: Record<string, tf.Tensor>) => [
    tf.add(tf.zerosLike(hidden_states), pooled_projections.reshape([-1, 1, 1, 1])),
  ],
};

describe('StableDiffusion3DPO', () => {
  const latents = tf.zeros([2, 4, 2, 2]);
  const times = tf.tensor1d([1000, 500]);
  const embeds = tf.zeros([2, 3, 8]);
  const mask = tf.ones([2, 3]);
  const pooled = tf.fill([2, 1], 2);

  function prepare(
    config: object,
    batch: Record<string, unknown>,
    {
      promptMask = mask as tf.Tensor | null,
      negative = embeds as tf.Tensor | null,
      x = latents,
    } = {},
  ) {
    const input = config as typeof CONFIG;
    return prepareModelInputs(
      echo, input, x, times, embeds, promptMask, negative, mask, batch, 0,
    ); // prettier-ignore
  }

  it('is what DiffusionModelBase.getClass() gives for dpo', () => {
    assert.equal(DiffusionModelBase.getClass(CONFIG), StableDiffusion3DPO);
  });

  it('buildScheduler() gives the training schedule, which setTimesteps() leaves alone', () => {
    const scheduler = StableDiffusion3DPO.buildScheduler(CONFIG);
    assert.equal(scheduler.timestepValues.length, 1000);
    StableDiffusion3DPO.setTimesteps(scheduler, CONFIG, 'cpu');
    assert.equal(scheduler.numInferenceSteps, null);
    assert.throws(() =>
      StableDiffusion3DPO.buildScheduler({
        architecture: 'StableDiffusion3Pipeline',
        algorithm: 'dpo',
      }),
    );
  });

  it('prepareModelInputs() passes times on unscaled, and pooled embeddings', () => {
    const [inputs, negative] = prepare(CONFIG, { pooled_prompt_embeds: pooled });
    assert.equal(inputs.timestep, times);
    assert.equal(inputs.hidden_states, latents);
    assert.equal(inputs.pooled_projections, pooled);
    assert.deepEqual(inputs.joint_attention_kwargs, { attention_mask: mask });
    assert.equal(negative, null);
  });

  it('prepareModelInputs() makes negative inputs for guidance alone', () => {
    const batch = { pooled_prompt_embeds: pooled, negative_pooled_prompt_embeds: pooled };
    assert.equal(prepare(CONFIG, batch)[1], null);
    assert.equal(prepare(GUIDED, batch)[1]?.encoder_hidden_states, embeds);
    assert.equal(prepare(GUIDED, batch, { negative: null })[1], null);
    assert.equal(prepare(GUIDED, { pooled_prompt_embeds: pooled })[1], null);
  });

  it('prepareModelInputs() names what is missing or has the wrong shape', () => {
    const batch = { pooled_prompt_embeds: pooled };
    assert.throws(() => prepare(CONFIG, batch, { promptMask: null }), {
      message:
        'Cannot prepare model inputs as Diffusion-DPO needs promptEmbedsMask: current value is null',
    });
    assert.throws(() => prepare(CONFIG, { prompts: [] }), {
      message:
        'Cannot prepare model inputs as the batch must hold "pooled_prompt_embeds": present are prompts',
    });
    assert.throws(() => prepare(CONFIG, batch, { x: tf.zeros([2, 3, 4, 2, 2]) as never }), {
      message:
        'Cannot prepare model inputs as a forward-process objective takes noised latents (B, C, H, W) and times (B): current shapes are [2,3,4,2,2] and [2]',
    });
  });

  it('forward() guides by v- + g (v+ - v-), and not without a scale', () => {
    const batch = {
      pooled_prompt_embeds: tf.ones([2, 1]),
      negative_pooled_prompt_embeds: tf.zeros([2, 1]),
    };
    const [inputs, negative] = prepare(GUIDED, batch);
    const guided = StableDiffusion3DPO.forward(echo, GUIDED, inputs, negative);
    assert.deepEqual(new Set(values(guided)), new Set([3]));
    const plain = StableDiffusion3DPO.forward(echo, CONFIG, inputs, negative);
    assert.deepEqual(new Set(values(plain)), new Set([1]));
    assert.throws(() => StableDiffusion3DPO.forward(echo, GUIDED, inputs, null), {
      message:
        'Cannot apply classifier-free guidance as it needs embeddings of a negative prompt, pooled ones too: current guidance_scale is 3',
    });
  });

  it('forwardAndSamplePreviousStep() is refused', () => {
    const scheduler = new FlowMatchEulerDiscreteScheduler();
    assert.throws(
      () =>
        StableDiffusion3DPO.forwardAndSamplePreviousStep(echo, scheduler, CONFIG, {}, null, {}, 0),
      /learns from noised data, not from reverse steps/,
    );
  });
});

describe('trainingTimes()', () => {
  const scheduler = new FlowMatchEulerDiscreteScheduler({ shift: 3 });

  it('gives less noise for larger draws, and the ends for extreme ones', () => {
    const { indices, sigmas, timesteps } = trainingTimes(scheduler, [-100, -1, 0, 1, 100]);
    assert.deepEqual(Array.from(indices), [0, 268, 500, 731, 999]);
    assert.deepEqual(sigmas, Float32Array.from(sigmas).sort().reverse());
    assert.equal(timesteps[0], scheduler.timestepValues[0]);
  });

  it('refuses draws that are no numbers', () => {
    for (const draw of [NaN, -Infinity]) {
      assert.throws(() => trainingTimes(scheduler, [0, draw]), {
        message: `Cannot draw training times as draws must be finite numbers: current value is ${draw}`,
      });
    }
  });

  it('refuses a schedule of a run', () => {
    const walker = new FlowMatchEulerDiscreteScheduler();
    walker.setTimesteps(10);
    assert.throws(() => trainingTimes(walker, [0]), {
      message:
        'Cannot draw training times as the scheduler must be on its training schedule: setTimesteps was called for 10 steps',
    });
  });
});

describe('noisePairs()', () => {
  const scheduler = new FlowMatchEulerDiscreteScheduler({ shift: 3 });
  const clean = keyGenerator(1).randn([4, 2, 2, 2]);

  it('gives both rows of a pair the same noise and time, and x = (1 - sigma) x0 + sigma noise', () => {
    const { noise, timesteps, noisy_latents } = noisePairs(clean, scheduler, {
      generator: keyGenerator(2),
    });
    const [n, t, x, x0] = [noise, timesteps, noisy_latents, clean].map(values);
    for (const pair of [0, 1]) {
      assert.equal(t[2 * pair], t[2 * pair + 1]);
      assert.deepEqual(n.slice(16 * pair, 16 * pair + 8), n.slice(16 * pair + 8, 16 * pair + 16));
    }
    assert.notEqual(t[0], t[2]);
    x.forEach((value, at) => {
      const sigma = t[Math.floor(at / 8)] / 1000;
      assert.ok(Math.abs(value - ((1 - sigma) * x0[at] + sigma * n[at])) < 1e-5);
    });
  });

  it('gives a pair the same noise in any batch', () => {
    const alone = noisePairs(clean.slice(0, 2), scheduler, { generator: keyGenerator(2) });
    const together = noisePairs(clean, scheduler, { generator: keyGenerator(2) });
    assert.deepEqual(values(alone.noise), values(together.noise).slice(0, 16));
    assert.deepEqual(values(alone.timesteps), values(together.timesteps).slice(0, 2));
  });

  it('refuses rows that are not pairs', () => {
    assert.throws(() => noisePairs(clean.slice(0, 3), scheduler), {
      message: 'Cannot noise pairs as rows must be (chosen, rejected) pairs: there are 3',
    });
  });
});

describe('selectPairs() and checkPairs()', () => {
  it('take the best and the worst of each prompt, and nothing of a lone picture', () => {
    assert.deepEqual(selectPairs(['b', 'a', 'b', 'c', 'b', 'a'], [1, 5, 3, 9, 2, 6]), [2, 0, 5, 1]);
    assert.deepEqual(selectPairs([], []), []);
  });

  it('keep ties in order, or skip them', () => {
    assert.deepEqual(selectPairs(['a', 'a', 'a'], [1, 1, 1]), [0, 2]);
    assert.deepEqual(selectPairs(['a', 'a', 'a'], [1, 1, 1], { ties: 'skip' }), []);
  });

  it('name the rows that break a rule', () => {
    assert.throws(() => selectPairs(['a', 'a'], [1, NaN]), {
      message: 'Cannot select pairs as scores must be numbers: row 1 has NaN',
    });
    assert.throws(() => selectPairs(['a', 'a'], [1]), {
      message: 'Cannot select pairs as there must be one score for each picture: 1 for 2',
    });
    checkPairs(['a', 'a', 'b', 'b'], [1, 0, 2, 2]);
    assert.throws(() => checkPairs(['a', 'a', 'b']), {
      message: 'Cannot learn from pairs as rows must be (chosen, rejected) pairs: there are 3',
    });
    assert.throws(() => checkPairs(['a', 'a', 'b', 'c']), {
      message:
        'Cannot learn from pairs as both rows of a pair must have one uid: rows 2 and 3 have b and c',
    });
    assert.throws(() => checkPairs(['a', 'a'], [0, 1]), {
      message:
        'Cannot learn from pairs as the chosen row must score at least its rejected one: rows 0 and 1 score 0 and 1',
    });
  });
});

describe('offlineLatents()', () => {
  it('shifts, then scales', () => {
    const z = offlineLatents(tf.tensor1d([1, 3]), { shift_factor: 1, scaling_factor: 2 });
    assert.deepEqual(values(z), [0, 4]);
    const unshifted = offlineLatents(tf.tensor1d([1]), { shift_factor: null, scaling_factor: 2 });
    assert.deepEqual(values(unshifted), [2]);
  });
});

describe('dpoGradients()', () => {
  let transformer: SD3Transformer2DModel;
  let batch: PairBatch;

  before(() => {
    transformer = SD3Transformer2DModel.fromPretrained(MODEL);
    transformer.addLora({ rank: 2, targetModules: ['to_q'], key: RandomKey.fromSeed(1) });
    const draw = keyGenerator(3);
    const latents_clean = draw.randn([4, 4, 4, 4]);
    const scheduler = StableDiffusion3DPO.buildScheduler(CONFIG);
    batch = {
      latents_clean,
      ...noisePairs(latents_clean, scheduler, { generator: draw }),
      prompt_embeds: draw.randn([4, 3, 48]),
      prompt_embeds_mask: tf.ones([4, 3]),
      pooled_prompt_embeds: draw.randn([4, 40]),
    };
    batch.ref_noise_pred = referencePredictions(transformer, CONFIG, batch);
  });

  after(() => transformer.dispose());

  it('starts at ln 2, since the new adapters predict what the reference does', async () => {
    const { loss, metrics, gradients, dispose } = await dpoGradients(
      { transformer, modelConfig: CONFIG },
      batch,
    );
    assert.ok(Math.abs(loss - Math.LN2) < 1e-6);
    assert.equal(metrics['rewards/margins'], 0);
    assert.deepEqual(
      [...gradients.keys()].sort(),
      [...transformer.trainableVariables().keys()].sort(),
    );
    dispose();
  });

  it('gives the same gradient in micro-batches', async () => {
    const model = { transformer, modelConfig: CONFIG };
    const whole = await dpoGradients(model, batch, { dpoBeta: 50 });
    const parts = await dpoGradients(model, batch, { dpoBeta: 50, microBatchSize: 2 });
    for (const [name, gradient] of whole.gradients) {
      const other = values(parts.gradients.get(name) as tf.Tensor);
      const largest = Math.max(...values(gradient).map(Math.abs));
      values(gradient).forEach((value, at) =>
        assert.ok(Math.abs(value - other[at]) <= 1e-4 * largest),
      );
    }
    whole.dispose();
    parts.dispose();
  });

  it('follows from finite differences along its own direction', async () => {
    const model = { transformer, modelConfig: CONFIG };
    const lossAt = async () => {
      const part = await dpoGradients(model, batch, { dpoBeta: 50 });
      part.dispose();
      return part.loss;
    };
    const variables = transformer.trainableVariables();
    const { gradients, dispose } = await dpoGradients(model, batch, { dpoBeta: 50 });
    const square = [...gradients.values()].reduce(
      (sum, gradient) => sum + tf.sum(tf.square(gradient)).dataSync()[0],
      0,
    );
    const move = (step: number) => {
      for (const [name, gradient] of gradients) {
        const variable = variables.get(name) as tf.Variable;
        variable.assign(tf.add(variable, tf.mul(gradient, step / Math.sqrt(square))));
      }
    };
    const step = 0.05;
    move(step);
    const ahead = await lossAt();
    move(-2 * step);
    const behind = await lossAt();
    move(step);
    const slope = (ahead - behind) / (2 * step);
    assert.ok(Math.abs(slope / Math.sqrt(square) - 1) < 0.02);
    dispose();
  });

  for (const name of ['noise', 'timesteps'] as const) {
    it(`refuses pairs whose two rows differ in ${name}`, async () => {
      const nudge = tf
        .oneHot(tf.tensor1d([3], 'int32'), 4)
        .toFloat()
        .mul(1e-1);
      const moved = tf.add(batch[name], nudge.reshape([4, ...batch[name].shape.slice(1).fill(1)]));
      await assert.rejects(
        dpoGradients({ transformer, modelConfig: CONFIG }, { ...batch, [name]: moved }),
        {
          message: `Cannot learn from pairs as the two rows of a pair must have the same ${name}: rows 2 and 3 differ`,
        },
      );
    });
  }

  it('refuses halves of pairs, none, and a batch without reference predictions', async () => {
    const model = { transformer, modelConfig: CONFIG };
    for (const microBatchSize of [3, 0, -2]) {
      await assert.rejects(dpoGradients(model, batch, { microBatchSize }), {
        message: `Cannot learn from pairs as rows and micro-batches must hold whole pairs: there are 4 rows in micro-batches of ${microBatchSize}`,
      });
    }
    await assert.rejects(
      dpoGradients(model, { ...batch, ref_noise_pred: null }),
      /inputs are missing: ref_noise_pred/,
    );
  });

  it('referencePredictions() leaves the adapters out and puts them back', () => {
    for (const [name, variable] of transformer.trainableVariables()) {
      if (name.includes('lora_B')) variable.assign(tf.fill(variable.shape, 0.5));
    }
    const reference = referencePredictions(transformer, CONFIG, batch);
    const adapted = predictNoised(transformer, CONFIG, batch);
    assert.deepEqual(values(reference), values(batch.ref_noise_pred as tf.Tensor));
    assert.notDeepEqual(values(adapted), values(reference));
    assert.equal(transformer.adapters.enabled, true);
  });

  it('referencePredictions() refuses a model without adapters', () => {
    const plain = SD3Transformer2DModel.fromPretrained(MODEL);
    assert.throws(
      () => referencePredictions(plain, CONFIG, batch),
      /needs a frozen copy as its reference/,
    );
    plain.dispose();
  });

  it('predictNoised() refuses an adapter that only takes reverse steps', () => {
    const config = { architecture: 'QwenImagePipeline' };
    assert.throws(() => predictNoised(transformer, config, batch), {
      message:
        'Cannot predict from noised data as QwenImage must implement the static method forward',
    });
  });
});
