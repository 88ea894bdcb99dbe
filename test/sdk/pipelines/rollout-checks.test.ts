import assert from 'node:assert/strict';
import {
  keyGenerator,
  loadPipeline,
  StableDiffusion3PipelineWithLogProb,
  tf,
  type QwenImagePipelineWithLogProb,
  type RolloutOptions,
  type RolloutPipeline,
  type SamplingParams,
} from '@flowbook/sdk';
import { ARCHITECTURES, release, values } from './rollout-architectures';

const WRONG: [title: string, asked: SamplingParams, options: object, rule: string][] = [
  [
    'a negative height',
    {},
    { height: -64 },
    'height must be a whole number from 0, or null: current value is -64',
  ],
  [
    'a negative height of the request',
    { height: -64 },
    {},
    'sampling_params.height must be a whole number from 0, or null: current value is -64',
  ],
  [
    'a width that is no number',
    {},
    { width: NaN },
    'width must be a whole number from 0, or null: current value is NaN',
  ],
  [
    'half a pixel',
    {},
    { height: 32.5 },
    'height must be a whole number from 0, or null: current value is 32.5',
  ],
  [
    'a height between two sizes',
    {},
    { height: 40 },
    'height and width must be multiples of 16: current values are 40 and 32',
  ],
  [
    'a width below the smallest size',
    { width: 8 },
    {},
    'height and width must be multiples of 16: current values are 32 and 8',
  ],
  [
    'no steps',
    {},
    { numInferenceSteps: 0 },
    'numInferenceSteps must be a whole number from 1: current value is 0',
  ],
  [
    'a negative number of steps of the request',
    { num_inference_steps: -2 },
    {},
    'sampling_params.num_inference_steps must be a whole number from 0, or null: current value is -2',
  ],
  [
    'a negative length',
    {},
    { maxSequenceLength: -1 },
    'maxSequenceLength must be a whole number from 1: current value is -1',
  ],
  [
    'a negative length of the request',
    { max_sequence_length: -1 },
    {},
    'sampling_params.max_sequence_length must be a whole number from 0, or null: current value is -1',
  ],
  [
    'no pictures',
    {},
    { numImagesPerPrompt: 0 },
    'numImagesPerPrompt must be a whole number from 1: current value is 0',
  ],
  [
    'half a picture',
    {},
    { numImagesPerPrompt: 1.5 },
    'numImagesPerPrompt must be a whole number from 1: current value is 1.5',
  ],
  [
    'half a picture of the request',
    { num_outputs_per_prompt: 1.5 },
    {},
    'sampling_params.num_outputs_per_prompt must be a whole number, or null: current value is 1.5',
  ],
  [
    'guidance that is no number',
    {},
    { guidanceScale: NaN },
    'guidanceScale must be a number: current value is NaN',
  ],
  [
    'a range that is none',
    { extra_args: { sde_window_range: [1] as never } },
    {},
    'sampling_params.extra_args.sde_window_range must be a list of two steps, or null: current value is [1]',
  ],
];

for (const { name, model, optGuidance, shape } of ARCHITECTURES) {
  describe(`checks of ${name}`, () => {
    let pipeline: RolloutPipeline;
    const small: RolloutOptions = {
      ...optGuidance(1),
      numInferenceSteps: 2,
      maxSequenceLength: 6,
      outputType: 'latent',
    };

    before(async () => {
      pipeline = await loadPipeline(model, { height: 32, width: 32 });
    });
    after(() => pipeline.dispose());

    for (const [title, asked, options, rule] of WRONG) {
      it(`forward() refuses ${title}`, async () => {
        const before = tf.memory().numTensors;
        const request = { prompts: ['a fox'], sampling_params: asked };
        await assert.rejects(pipeline.forward(request, { ...small, ...options }), {
          message: `Cannot make pictures as ${rule}`,
        });
        assert.equal(tf.memory().numTensors, before);
      });
    }

    it('forward() refuses noise that no step can be taken with before anything is embedded', async () => {
      const encodes = pipeline as unknown as { embedRequest(): unknown };
      const latents = tf.zeros([1, ...shape(32, 32)], 'int32');
      const before = tf.memory().numTensors;
      encodes.embedRequest = () => assert.fail('embedded');
      try {
        for (const [asked, options, message] of [
          [
            {},
            { noiseLevel: -1 },
            'Cannot make pictures as noiseLevel must be a number from 0: current value is -1',
          ],
          [
            { extra_args: { noise_level: NaN } },
            {},
            'Cannot make pictures as noiseLevel must be a number from 0: current value is NaN',
          ],
          [
            {},
            { sdeType: 'ode' },
            /^Cannot find transition "ode": registered are sde, cps, dance_sde/,
          ],
          [
            {},
            { latents },
            'Cannot make pictures as latents must be float32: their dtype is int32',
          ],
        ] as [SamplingParams, RolloutOptions, string | RegExp][]) {
          const request = { prompts: ['a fox'], sampling_params: asked };
          await assert.rejects(pipeline.forward(request, { ...small, ...options }), { message });
        }
      } finally {
        delete (encodes as Partial<typeof encodes>).embedRequest;
      }
      assert.equal(tf.memory().numTensors, before);
      latents.dispose();
    });

    it('forward() leaves nothing behind where a step is refused, or a listener fails', async () => {
      release(await pipeline.forward({ prompts: ['a fox'] }, small));
      const latents = keyGenerator(1).randn([1, ...shape(32, 32)]);
      const before = tf.memory().numTensors;
      const fails = () => {
        throw new Error('the listener failed');
      };
      for (const [options, message] of [
        [{ latents, generator: [keyGenerator(1), keyGenerator(2)] }, /generator/],
        [{ onDenoised: fails }, /^the listener failed$/],
        [{ callbackOnStepEnd: fails }, /^the listener failed$/],
      ] as [RolloutOptions, RegExp][]) {
        const rolled = pipeline.forward({ prompts: ['a fox'] }, { ...small, ...options });
        await assert.rejects(rolled, { message });
        assert.equal(tf.memory().numTensors, before);
      }
      latents.dispose();
    });

    it('forward() takes null for the window range [0, 5]', async () => {
      const options = { ...small, sdeWindowSize: 2, sdeWindowRange: null };
      const result = await pipeline.forward({ prompts: ['a fox'] }, options);
      assert.deepEqual(result.customOutput.all_timesteps.shape, [1, 2]);
      release(result);
    });

    it('forward() takes as many steps as there are sigmas, of the request or the options', async () => {
      const sigmas = [1, 0.75, 0.5];
      const options = { ...small, numInferenceSteps: undefined };
      for (const [asked, own] of [
        [{ sigmas }, options],
        [{}, { ...options, sigmas }],
      ] as [SamplingParams, RolloutOptions][]) {
        const request = { prompts: ['a fox'], sampling_params: asked };
        const result = await pipeline.forward(request, own);
        assert.equal(pipeline.scheduler.numInferenceSteps, 3);
        assert.deepEqual(result.customOutput.all_timesteps.shape, [1, 2]);
        release(result);
      }
      await assert.rejects(pipeline.forward({ prompts: ['a fox'] }, { ...small, sigmas }), {
        message:
          'Cannot set timesteps as sigmas and timesteps must have numInferenceSteps (2) values: 3',
      });
    });

    it('forward() refuses sigmas that rise', async () => {
      const before = tf.memory().numTensors;
      const options = { ...small, numInferenceSteps: 3, sigmas: [0.2, 0.5, 0.9] };
      await assert.rejects(pipeline.forward({ prompts: ['a fox'] }, options), {
        message: /^Cannot set timesteps as sigmas must be above 0 and at most 1, none above /,
      });
      assert.equal(tf.memory().numTensors, before);
    });

    it('encodePrompt() refuses no prompts, and a length that is none', () => {
      const before = tf.memory().numTensors;
      assert.throws(() => pipeline.encodePrompt([]), {
        message: 'Cannot embed prompts as there must be at least one: current number is 0',
      });
      assert.throws(() => pipeline.encodePrompt('a fox', { maxSequenceLength: 1.5 }), {
        message:
          'Cannot embed prompts as maxSequenceLength must be a whole number from 1: current value is 1.5',
      });
      assert.equal(tf.memory().numTensors, before);
    });

    it('forward() refuses embeddings of another rank, and what does not fit them', async () => {
      const { embeds, mask, pooled } = pipeline.encodePrompt(['a fox'], { maxSequenceLength: 6 });
      const [B, L, D] = embeds.shape;
      const other = pipeline.masksPadding
        ? { rule: 'their mask (B, L)', shape: [B, 2] }
        : { rule: 'pooled ones (B, P)', shape: [2, 4] };
      const wrong = tf.ones(other.shape);
      const before = tf.memory().numTensors;
      const given = pipeline.masksPadding
        ? { promptEmbedsMask: wrong }
        : { pooledPromptEmbeds: wrong };
      const side = pipeline.masksPadding ? 'positive' : 'prompt';
      await assert.rejects(pipeline.forward({}, { ...small, promptEmbeds: embeds, ...given }), {
        message: `Cannot embed prompts as ${side} embeddings must be (B, L, D) and ${other.rule}: current shapes are [${B},${L},${D}] and [${other.shape}]`,
      });
      assert.equal(tf.memory().numTensors, before);
      tf.dispose([embeds, mask, wrong, ...(pooled ? [pooled] : [])]);
    });

    it('diffuse() refuses the times of another schedule, and guides by any scale when told to', async () => {
      const before = tf.memory().numTensors;
      const [side, other] = ['a fox', 'two cats'].map((prompt) =>
        pipeline.encodePrompt([prompt], { maxSequenceLength: 6 }),
      );
      const latents = keyGenerator(1).randn([1, ...shape(32, 32)]);
      const { scheduler } = pipeline;
      scheduler.setTimesteps(2, { sigmas: [1, 0.5], mu: 0.5 });
      const run = async (timesteps: ArrayLike<number>, isGuided = false, scale = 1) => {
        const window = [0, 1] as const;
        const diffused =
          pipeline instanceof StableDiffusion3PipelineWithLogProb
            ? pipeline.diffuse(
                side.embeds,
                side.pooled as tf.Tensor,
                other.embeds,
                other.pooled as tf.Tensor,
                latents,
                timesteps,
                isGuided,
                scale,
                ...([0, window, 'sde', null, false] as const),
              )
            : (pipeline as QwenImagePipelineWithLogProb).diffuse(
                side.embeds,
                side.mask,
                other.embeds,
                other.mask,
                latents,
                [[[1, 2, 2]]],
                null,
                null,
                timesteps,
                isGuided,
                null,
                scale,
                ...([0, window, 'sde', null, false] as const),
              );
        const result = await diffused;
        const numbers = values(result[0]);
        tf.dispose(result.filter((item) => item !== null));
        return numbers;
      };
      const own = scheduler.timestepValues;
      await assert.rejects(run([900, 12]), {
        message: `Cannot denoise as timesteps must be those of the scheduler, ${own.join(', ')}: current values are 900, 12`,
      });
      await assert.rejects(run([own[0]]), /Cannot denoise as timesteps must be those of the /);
      const off = await run(own);
      assert.notDeepEqual(await run(own, true, 0.5), off);
      const near = await run(own, true, 1);
      assert.ok(near.every((value, at) => Math.abs(value - off[at]) < 1e-4));
      tf.dispose([latents, ...Object.values({ ...side }), ...Object.values({ ...other })]);
      assert.equal(tf.memory().numTensors, before);
    });
  });
}

describe('checks of sizes', () => {
  it('round down for verl-omni where diffusers does, to no less than a token', async () => {
    const pipeline = await loadPipeline(ARCHITECTURES[0].model, { height: 32, width: 32 });
    const options: RolloutOptions = {
      numInferenceSteps: 2,
      trueCfgScale: 1,
      outputType: 'pt',
      compat: 'verl-omni',
    };
    const request = (height: number) => ({ prompts: ['a fox'], sampling_params: { height } });
    try {
      const result = await pipeline.forward(request(40), options);
      assert.deepEqual((result.output as tf.Tensor).shape, [1, 3, 32, 32]);
      release(result);
      await assert.rejects(pipeline.forward(request(8), options), {
        message:
          'Cannot make pictures as height and width must be at least 16: current values are 8 and 32',
      });
    } finally {
      pipeline.dispose();
    }
  });
});
