import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MODELS } from '../../../datasets/shapes/pretrain/models';

const ROOT = join(__dirname, '..', '..', '..');

/** What the weights in datasets/ were trained with: changed only together with the weights. */
const KEPT = {
  'qwen-image': {
    folder: 'datasets/tiny-qwen-image',
    source: 'datasets/tiny-qwen-image',
    pipeline: { height: 64, width: 64, num_inference_steps: 10, true_cfg_scale: 1 },
    encoderScale: 1,
    clipTokens: null,
    autoencoder: { batchSize: 16, latentNoise: 0.15, pictures: 8192, judged: 480 },
    autoencoderOptions: { steps: 5000, seed: 1, everySteps: 250 },
    transformer: {
      batchSize: 64,
      pictures: 24_000,
      judgedOfAKind: 40,
      noiseShift: 3,
      kindWeights: { position: 3, counting: 1.5, color_attr: 1.5 },
    },
    transformerOptions: { steps: 7000, seed: 2, everySteps: 500 },
  },
  sd3: {
    folder: 'datasets/tiny-sd3',
    source: 'test/golden/models/tiny-sd3',
    pipeline: {
      height: 64,
      width: 64,
      num_inference_steps: 10,
      guidance_scale: 1,
      max_sequence_length: 24,
    },
    encoderScale: 0.1,
    clipTokens: 28,
    autoencoder: { batchSize: 16, latentNoise: 0.15, pictures: 8192, judged: 480 },
    autoencoderOptions: { steps: 5000, seed: 3, everySteps: 250 },
    transformer: {
      batchSize: 64,
      pictures: 24_000,
      judgedOfAKind: 40,
      noiseShift: 3,
      kindWeights: { position: 2, counting: 1.5, color_attr: 2 },
    },
    transformerOptions: { steps: 9000, seed: 4, everySteps: 500 },
  },
} as const;

/** Of both autoencoders, and of both transformers. */
const SHARED = {
  levelShare: 0.5,
  betas: [0.9, 0.99],
  maxGradNorm: 1,
  average: 0.998,
};
const AUTOENCODER = {
  ...SHARED,
  learningRate: 2e-3,
  warmupSteps: 50,
  finalShare: 0.02,
  weightDecay: 0,
};
const TRANSFORMER = {
  ...SHARED,
  learningRate: 1.5e-3,
  warmupSteps: 100,
  finalShare: 0.05,
  weightDecay: 0.01,
};

/** Compared by themselves. */
const LEFT_OUT = { config: null, options: null };

const readJson = (...path: string[]) =>
  JSON.parse(readFileSync(join(ROOT, ...path), 'utf8')) as Record<string, unknown>;

/** What training finds out by itself. */
const FOUND = ['latents_mean', 'latents_std', 'shift_factor', 'scaling_factor'];

for (const name of ['qwen-image', 'sd3'] as const) {
  describe(`npm run pretrain -- ${name}`, () => {
    const { source, pipeline, encoderScale, clipTokens, autoencoder, transformer } = MODELS[name];
    const kept = KEPT[name];

    it('trains as the kept weights were trained', () => {
      assert.deepEqual(
        {
          folder: kept.folder,
          source,
          pipeline: pipeline.pipeline,
          encoderScale,
          clipTokens,
          autoencoder: { ...autoencoder, ...LEFT_OUT },
          autoencoderOptions: autoencoder.options,
          transformer: { ...transformer, ...LEFT_OUT },
          transformerOptions: transformer.options,
        },
        {
          ...kept,
          autoencoder: { ...kept.autoencoder, ...LEFT_OUT },
          transformer: { ...kept.transformer, ...LEFT_OUT },
          autoencoderOptions: { ...AUTOENCODER, ...kept.autoencoderOptions },
          transformerOptions: { ...TRANSFORMER, ...kept.transformerOptions },
        },
      );
    });

    it('makes models of the sizes that are kept', () => {
      for (const [part, config] of [
        ['vae', autoencoder.config],
        ['transformer', transformer.config],
      ] as const) {
        const written = readJson(kept.folder, part, 'config.json');
        for (const [key, value] of Object.entries(config)) {
          if (!FOUND.includes(key)) assert.deepEqual(written[key], value, `${part}: ${key}`);
        }
      }
      if (clipTokens === null) return;
      for (const tokenizer of ['tokenizer', 'tokenizer_2']) {
        const { model_max_length: length } = readJson(
          kept.folder,
          tokenizer,
          'tokenizer_config.json',
        );
        assert.equal(length, clipTokens);
      }
    });

    it('takes the steps that the README of the weights gives', () => {
      const readme = readFileSync(join(ROOT, kept.folder, 'README.md'), 'utf8').replace(
        /\s+/g,
        ' ',
      );
      const given =
        /autoencoder in ([\d,]+) steps of (\d+) pictures, the transformer in ([\d,]+) steps of (\d+)/.exec(
          readme,
        );
      assert.deepEqual(
        given?.slice(1).map((number) => Number(number.replace(',', ''))),
        [
          autoencoder.options.steps,
          autoencoder.batchSize,
          transformer.options.steps,
          transformer.batchSize,
        ],
      );
    });
  });
}
