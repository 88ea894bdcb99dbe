import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspectModel } from '@flowbook/sdk';
import { writeFakeModel } from '../sdk/inspection/fake-model';
import { referencePython } from './reference-python';

const MODELS = join(__dirname, '../golden/models');

/** diffusers' defaults, and Stable Diffusion 3.5 medium. */
const LARGE: [className: string, config: object, parameters: number][] = [
  ['QwenImageTransformer2DModel', {}, 20_430_401_088],
  ['SD3Transformer2DModel', {}, 856_159_552],
  [
    'SD3Transformer2DModel',
    {
      num_layers: 24,
      num_attention_heads: 24,
      caption_projection_dim: 1536,
      pos_embed_max_size: 384,
      qk_norm: 'rms_norm',
      dual_attention_layers: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
    },
    2_243_171_520,
  ],
];

describe('inspectModel(), against diffusers and transformers', function () {
  this.timeout(240_000);

  for (const model of ['tiny-qwen-image', 'tiny-sd3', 'tiny-sd35']) {
    it(`counts the parameters of ${model}`, async () => {
      const path = join(MODELS, model);
      const python = await referencePython();
      const theirs = await python.call<Record<string, number>>('inspect_models.count', { path });
      const { components } = await inspectModel(path);
      const ours = components
        .filter(({ files }) => files.length > 0)
        .map(({ name, parameters }) => [name, parameters]);
      assert.deepEqual(Object.fromEntries(ours), theirs);
    });
  }

  for (const [className, config, parameters] of LARGE) {
    it(`counts ${parameters} parameters of ${className} with ${JSON.stringify(config)}`, async () => {
      const python = await referencePython();
      const theirs = await python.call<{ shapes: Record<string, number[]>; parameters: number }>(
        'inspect_models.describe',
        { class_name: className, config },
      );
      const folder = mkdtempSync(join(tmpdir(), 'flowbook-inspect-'));
      try {
        writeFakeModel(folder, 'Pipeline', {
          transformer: {
            library: 'diffusers',
            className,
            config,
            shapes: new Map(Object.entries(theirs.shapes)),
            stem: 'diffusion_pytorch_model',
            shards: 3,
          },
        });
        const [transformer] = (await inspectModel(folder)).components;
        assert.equal(transformer.problem, null);
        assert.deepEqual([transformer.parameters, theirs.parameters], [parameters, parameters]);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }
});
