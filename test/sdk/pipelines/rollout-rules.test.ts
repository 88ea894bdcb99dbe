import assert from 'node:assert/strict';
import {
  loadPipeline,
  tf,
  torchGenerator,
  type DiffusionOutput,
  type OutputType,
  type RequestPrompt,
  type RolloutExtraArgs,
  type RolloutOptions,
  type RolloutPipeline,
  type SamplingParams,
} from '@flowbook/sdk';
import { ARCHITECTURES, distance, release, values } from './rollout-architectures';

/** Long enough for every token of the tiny models to be read. */
const WORDS = 'a red fox and two cats on a blue sofa in the rain beside a tall tree';
const PROMPT: RequestPrompt = { prompt: WORDS, negative_prompt: 'blurry' };

for (const architecture of ARCHITECTURES) {
  const { askGuidance, optGuidance, shape, tokens } = architecture;

  describe(`forward() of ${architecture.name}`, () => {
    let pipeline: RolloutPipeline;

    before(async () => {
      pipeline = await loadPipeline(architecture.model, { height: 32, width: 32 });
    });
    after(() => pipeline.dispose());

    /** Rolls out with small defaults and shows the result to `look`, which must not keep it. */
    async function roll<Result>(
      look: (result: DiffusionOutput) => Result,
      asked: SamplingParams = {},
      options: RolloutOptions = {},
      prompts: (string | RequestPrompt)[] = [PROMPT],
    ): Promise<Result> {
      const result = await pipeline.forward(
        { prompts, sampling_params: { seed: 5, ...asked } },
        {
          numInferenceSteps: 4,
          maxSequenceLength: 6,
          outputType: 'latent',
          ...optGuidance(1),
          ...options,
        },
      );
      try {
        return look(result);
      } finally {
        release(result);
      }
    }

    const times = ({ customOutput }: DiffusionOutput) => customOutput.all_timesteps.arraySync();
    const windowSize = (result: DiffusionOutput) => times(result)[0].length;
    const logProb = ({ customOutput }: DiffusionOutput) => values(customOutput.all_log_probs)[0];
    const latents = ({ output }: DiffusionOutput) => (output as tf.Tensor).shape;
    const textTokens = ({ customOutput }: DiffusionOutput) => customOutput.prompt_embeds.shape[1];
    const guided = ({ customOutput }: DiffusionOutput) =>
      customOutput.negative_prompt_embeds !== null;
    const extra = (extra_args: RolloutExtraArgs): SamplingParams => ({ extra_args });

    /** What the request says, what the options say, and what is seen of both. */
    const RULES: [
      rule: string,
      asked: SamplingParams,
      options: RolloutOptions,
      look: (result: DiffusionOutput) => unknown,
      expected: unknown,
    ][] = [
      ['num_inference_steps goes first', { num_inference_steps: 3 }, {}, windowSize, 2],
      ['num_inference_steps 0 counts as not given', { num_inference_steps: 0 }, {}, windowSize, 3],
      ['empty sigmas count as not given', { sigmas: [] }, {}, windowSize, 3],
      ['max_sequence_length goes first', { max_sequence_length: 5 }, {}, textTokens, tokens(5)],
      ['max_sequence_length 0 does not', { max_sequence_length: 0 }, {}, textTokens, tokens(6)],
      ['output_type goes first', { output_type: 'pt' }, {}, latents, [1, 3, 32, 32]],
      [
        'an empty output_type does not',
        { output_type: '' as OutputType },
        {},
        latents,
        [1, ...shape(32, 32)],
      ],
      ['noise_level 0 counts as given', extra({ noise_level: 0 }), {}, logProb, NaN],
      ['noise_level null does not', extra({ noise_level: null }), { noiseLevel: 0 }, logProb, NaN],
      [
        'sde_type goes first',
        extra({ sde_type: 'cps', noise_level: 0 }),
        { sdeType: 'sde' },
        (result) => Math.abs(logProb(result)),
        0,
      ],
      ['sde_window_size goes first', extra({ sde_window_size: 1 }), {}, windowSize, 1],
      ['sde_window_size null does not', extra({ sde_window_size: null }), {}, windowSize, 3],
      [
        'logprobs false counts as given',
        extra({ logprobs: false }),
        { logprobs: true },
        ({ customOutput }) => customOutput.all_log_probs,
        null,
      ],
      ['height and width go first', { height: 64, width: 32 }, {}, latents, [1, ...shape(64, 32)]],
      [
        'its own size falls back to the options',
        {},
        { height: 64 },
        latents,
        [1, ...shape(64, 32)],
      ],
      [
        "verl-omni's falls back to the configuration alone",
        {},
        { height: 64, compat: 'verl-omni' },
        latents,
        [1, ...shape(32, 32)],
      ],
      [
        'num_outputs_per_prompt goes first',
        { num_outputs_per_prompt: 2 },
        {},
        latents,
        [2, ...shape(32, 32)],
      ],
      [
        'num_outputs_per_prompt must be positive to count',
        { num_outputs_per_prompt: -1 },
        { numImagesPerPrompt: 2 },
        latents,
        [2, ...shape(32, 32)],
      ],
      ['a guidance scale goes first', { ...askGuidance(4) }, {}, guided, true],
      ['guidance scale 0 counts as given', { ...askGuidance(0) }, optGuidance(4), guided, false],
    ];

    for (const [rule, asked, options, look, expected] of RULES) {
      it(`of the request and the options: ${rule}`, async () => {
        assert.deepEqual(await roll(look, asked, options), expected);
      });
    }

    it('takes sigmas and windows of the request before those of the options', async () => {
      const sigmas = [1, 0.6, 0.3];
      const first = await roll(
        (result) => times(result)[0],
        {
          sigmas,
          num_inference_steps: 3,
          ...extra({ sde_window_size: 1, sde_window_range: [2, 3] }),
        },
        { sigmas: [1, 0.9, 0.8], sdeWindowRange: [0, 1] },
      );
      assert.equal(first.length, 1);
      assert.equal(first[0], pipeline.scheduler.timestepValues[2]);
      const options = {
        sigmas,
        numInferenceSteps: 3,
        sdeWindowSize: 1,
        sdeWindowRange: [2, 3] as const,
      };
      assert.deepEqual(await roll((result) => times(result)[0], {}, options), first);
    });

    it('counts guidance_scale as not given when guidance_scale_provided is false', async () => {
      const asked = { guidance_scale: 4, guidance_scale_provided: false };
      assert.equal(await roll(guided, asked), false);
    });

    it("draws with eta 0.7 and takes the architecture's steps unless told, whatever the configuration says", async () => {
      const { algo, pipeline: sizes } = pipeline.modelConfig;
      assert.deepEqual([algo.noise_level, sizes.num_inference_steps], [1, 10]);
      const steps = architecture.name === 'QwenImagePipeline' ? 50 : 28;
      assert.equal(await roll(windowSize, {}, { numInferenceSteps: undefined }), steps - 1);
      const own = await roll(logProb);
      assert.equal(await roll(logProb, {}, { noiseLevel: 0.7 }), own);
      assert.notEqual(await roll(logProb, {}, { noiseLevel: 1 }), own);
    });

    it('returns nothing for a request without prompts', async () => {
      const before = tf.memory().numTensors;
      assert.deepEqual(await pipeline.forward({}), { output: null, customOutput: {} });
      assert.equal(tf.memory().numTensors, before);
    });

    it('leaves out all steps but those of the window, and by default the last one', async () => {
      const all = await roll((result) => times(result)[0]);
      assert.deepEqual(all, Array.from(pipeline.scheduler.timestepValues.slice(0, 3)));
    });

    it("starts from the seed's noise: PyTorch's for verl-omni", async () => {
      const look = ({ customOutput }: DiffusionOutput) =>
        tf.tidy(() => values(tf.gather(customOutput.all_latents, 0, 1)));
      const drawn = tf.tidy(() =>
        values(architecture.latents(torchGenerator(5).randn(architecture.drawn(1)))),
      );
      assert.deepEqual(await roll(look, {}, { compat: 'verl-omni' }), drawn);
      assert.deepEqual(await roll(look), await roll(look));
      assert.notDeepEqual(await roll(look), drawn);
    });

    it("takes the request's latents before those of the options", async () => {
      const own = tf.fill([1, ...shape(32, 32)], 0.5);
      const other = tf.zeros([1, ...shape(32, 32)]);
      const first = await roll(
        ({ customOutput }) => values(tf.tidy(() => tf.gather(customOutput.all_latents, 0, 1)))[0],
        { latents: own },
        { latents: other },
      );
      assert.equal(first, 0.5);
      tf.dispose([own, other]);
    });

    it("gives a prompt's pictures its embeddings, each prompt's together", async () => {
      const [embeds, mask] = await roll(
        ({ customOutput }) => [
          customOutput.prompt_embeds.arraySync(),
          customOutput.prompt_embeds_mask.arraySync(),
        ],
        { num_outputs_per_prompt: 2 },
        {},
        [WORDS, 'two cats'],
      );
      assert.deepEqual(embeds[0], embeds[1]);
      assert.deepEqual(embeds[2], embeds[3]);
      assert.notDeepEqual(embeds[1], embeds[2]);
      assert.equal(mask.length, 4);
    });

    it("gives the final latents beside the pictures for the output type 'both'", async () => {
      const before = tf.memory().numTensors;
      const both = await pipeline.forward(
        { prompts: [PROMPT], sampling_params: { seed: 5, output_type: 'both' } },
        { numInferenceSteps: 4, maxSequenceLength: 6, ...optGuidance(1) },
      );
      assert.ok(Array.isArray(both.output) && both.output.length === 1);
      const clean = values(both.customOutput.latents_clean);
      assert.deepEqual(await roll(({ output }) => values(output)), clean);
      release(both);
      assert.equal(tf.memory().numTensors, before);
    });

    it('refuses an output type that is not known', async () => {
      await assert.rejects(roll(latents, { output_type: 'jpeg' as OutputType }), {
        message:
          'Cannot make pictures as the output type must be one of pil, image, latent, pt, both: current value is jpeg',
      });
    });

    it('truncates embeddings that are given, and takes fields of additional_information', async () => {
      const { embeds, mask, pooled } = pipeline.encodePrompt([WORDS], { maxSequenceLength: 12 });
      const given = { promptEmbeds: embeds, promptEmbedsMask: mask, pooledPromptEmbeds: pooled };
      const length = embeds.shape[1];
      const expected = pipeline.masksPadding ? tokens(6) : length;
      assert.equal(await roll(textTokens, {}, given, []), expected);
      const nested = [{ additional_information: PROMPT }];
      assert.equal(
        await roll(logProb, askGuidance(4) ?? {}, {}, nested),
        await roll(logProb, askGuidance(4) ?? {}),
      );
      tf.dispose([embeds, mask, ...(pooled ? [pooled] : [])]);
    });

    it('compiled, agrees with the plain run', async () => {
      const plain = await roll(({ output }) => values(output));
      const compiled = await roll(({ output }) => values(output), {}, { compile: true });
      assert.ok(Math.max(...plain.map((value, at) => Math.abs(value - compiled[at]))) < 1e-4);
    });

    describe('forwardBatch()', () => {
      const OPTIONS = (): RolloutOptions => ({
        numInferenceSteps: 4,
        maxSequenceLength: 6,
        outputType: 'latent',
        sdeWindowSize: 1,
        sdeWindowRange: [0, 3],
        ...optGuidance(1),
      });
      const request = (seed: number, asked: SamplingParams = {}, prompt = 'a fox') => ({
        prompts: [prompt],
        sampling_params: { seed, ...asked },
      });
      const windowOf = (result: DiffusionOutput) => times(result)[0][0];

      it('gives each request the pictures that it has alone', async () => {
        const pair = { prompts: ['a fox', 'two cats'], sampling_params: { seed: 2 } };
        const requests = [request(1), pair, request(3, { num_outputs_per_prompt: 2 }), request(4)];
        const options = { ...OPTIONS(), sdeWindowSize: 3 };
        const before = tf.memory().numTensors;
        const together = await pipeline.forwardBatch(requests, options);
        for (const [at, alone] of requests.entries()) {
          const own = await pipeline.forward(alone, options);
          assert.deepEqual(latents(together[at]), latents(own));
          assert.ok(distance(together[at].output, own.output) < 1e-5);
          assert.deepEqual(Object.keys(together[at].customOutput), Object.keys(own.customOutput));
          release(own);
        }
        together.forEach(release);
        assert.equal(tf.memory().numTensors, before);
      });

      it('gives requests of one batch one SDE window, and each its own for verl-omni', async () => {
        const requests = [1, 2, 3, 4].map((seed) => request(seed));
        const shared = await pipeline.forwardBatch(requests, OPTIONS());
        assert.equal(new Set(shared.map(windowOf)).size, 1);
        shared.forEach(release);
        const options: RolloutOptions = { ...OPTIONS(), compat: 'verl-omni' };
        const own = await pipeline.forwardBatch(requests, options);
        const drawn = own.map(windowOf);
        assert.ok(new Set(drawn).size > 1);
        own.forEach(release);
        const reversed = await pipeline.forwardBatch([...requests].reverse(), options);
        assert.deepEqual(reversed.map(windowOf).reverse(), drawn);
        for (const [at, alone] of requests.entries()) {
          const one = await pipeline.forward(alone, options);
          assert.equal(windowOf(one), drawn[at]);
          assert.ok(distance(one.output, reversed[requests.length - 1 - at].output) < 1e-5);
          release(one);
        }
        reversed.forEach(release);
      });

      it("honours each request's parameters, and the first one's alone for verl-omni", async () => {
        const requests = [
          request(1, { height: 64 }),
          request(2, { extra_args: { sde_window_size: 2 } }),
          request(3, { height: 64 }),
        ];
        const look = (outputs: DiffusionOutput[]) => {
          const seen = outputs.map((result) => [latents(result).slice(1), windowSize(result)]);
          outputs.forEach(release);
          return seen;
        };
        const [tall, square] = [shape(64, 32), shape(32, 32)];
        assert.deepEqual(look(await pipeline.forwardBatch(requests, OPTIONS())), [
          [tall, 1],
          [square, 2],
          [tall, 1],
        ]);
        const compat = { ...OPTIONS(), compat: 'verl-omni' as const };
        assert.deepEqual(look(await pipeline.forwardBatch(requests, compat)), [
          [tall, 1],
          [tall, 1],
          [tall, 1],
        ]);
      });

      it('returns nothing for each of several requests without prompts', async () => {
        const empty = { output: null, customOutput: {} };
        assert.deepEqual(await pipeline.forwardBatch([{}, {}]), [empty, empty]);
      });

      it('joins latents of requests, and frees what it joined', async () => {
        const own = [0.5, -0.5].map((value) => tf.fill([1, ...shape(32, 32)], value));
        const before = tf.memory().numTensors;
        const outputs = await pipeline.forwardBatch(
          own.map((one, seed) => request(seed, { latents: one })),
          { ...OPTIONS(), sdeWindowRange: [0, 1] },
        );
        const firsts = outputs.map(({ customOutput }) => values(customOutput.all_latents)[0]);
        assert.deepEqual(firsts, [0.5, -0.5]);
        outputs.forEach(release);
        assert.equal(tf.memory().numTensors, before);
        tf.dispose(own);
      });

      it('refuses what only some requests have, and rows that fit one batch alone', async () => {
        await assert.rejects(pipeline.forwardBatch([request(1), {}]), {
          message:
            'Cannot serve requests as one batch as either all or none must have prompts: current number is 1 of 2',
        });
        const unseeded = { prompts: ['a fox'] };
        await assert.rejects(pipeline.forwardBatch([request(1), unseeded]), {
          message:
            'Cannot serve requests as one batch as either all or none must have a generator or a seed: current number is 1 of 2',
        });
        const rows = tf.zeros([2, ...shape(32, 32)]);
        await assert.rejects(
          pipeline.forwardBatch([request(1), request(2, { height: 64 })], { latents: rows }),
          {
            message:
              'Cannot serve requests as one batch as latents holds a row for each and their sampling parameters must be equal then: current number of different ones is 2',
          },
        );
        rows.dispose();
      });
    });
  });
}
