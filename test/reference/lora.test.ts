import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  QwenImageTransformer2DModel,
  RandomKey,
  SD3Transformer2DModel,
  readSafetensors,
  tf,
  type LoraModules,
} from '@flowbook/sdk';
import { isLong } from '../long-run';
import { referencePython } from './reference-python';

const models = join(__dirname, '../golden/models');
const NAMES = ['tiny-qwen-image', 'tiny-sd35'] as const;
const SEEDS = isLong ? 100 : 8;
/** Of the largest value of a prediction, which random adapters may make large. */
const RTOL = 2e-5;

type Name = (typeof NAMES)[number];
type Tensors = ReadonlyMap<string, tf.Tensor>;
type Model = QwenImageTransformer2DModel | SD3Transformer2DModel;

interface Made {
  layers: string[];
  chosen: string[];
  form: string;
  settings: {
    r: number;
    lora_alpha: number;
    target_modules: string | string[];
    exclude_modules: LoraModules | null;
    use_rslora: boolean;
    rank_pattern: Record<string, number>;
    alpha_pattern: Record<string, number>;
    init_lora_weights: 'gaussian' | true;
  };
}

function load(name: Name): Model {
  return (
    name === 'tiny-qwen-image' ? QwenImageTransformer2DModel : SD3Transformer2DModel
  ).fromPretrained(join(models, name));
}

function predict(model: Model, tensors: Tensors): tf.Tensor {
  const inputs = Object.fromEntries(
    [...tensors].filter(([name]) => name !== 'output' && name !== 'plain'),
  );
  const [sample] =
    model instanceof QwenImageTransformer2DModel
      ? model.forward({
          ...(inputs as unknown as Parameters<QwenImageTransformer2DModel['forward']>[0]),
          img_shapes: [[[1, 2, 3]], [[1, 2, 3]]],
          return_dict: false,
        })
      : model.forward({
          ...(inputs as unknown as Parameters<SD3Transformer2DModel['forward']>[0]),
          return_dict: false,
        });
  return sample;
}

/** The largest difference to `expected`, in parts of its largest value. */
const deviation = (actual: tf.Tensor, expected: tf.Tensor): number =>
  tf.tidy(() => {
    const [difference, largest] = [tf.sub(actual, expected), expected].map((x) =>
      tf.max(tf.abs(x)),
    );
    return tf.div(difference, largest).dataSync()[0];
  });

describe('LoRA, from and for diffusers and PEFT', function () {
  this.timeout(0);
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'flowbook-lora-'));
    tf.engine().startScope();
  });
  afterEach(() => {
    tf.engine().endScope();
    rmSync(folder, { recursive: true });
  });

  async function theirOutput(call: string, options: object): Promise<tf.Tensor> {
    const into = join(folder, 'output.safetensors');
    await (await referencePython()).call(`lora.${call}`, { models, into, ...options });
    return readSafetensors(into).get('output') as tf.Tensor;
  }

  it('selectLoraTargets() takes the layers of all-linear that PEFT takes', async () => {
    for (const name of NAMES) {
      const expected = await (
        await referencePython()
      ).call<string[]>('lora.linear_layers', { models, name });
      const model = load(name);
      assert.deepEqual([...model.adapters.layers.keys()].sort(), expected);
      model.dispose();
    }
  });

  for (let seed = 0; seed < SEEDS; seed++) {
    const name = NAMES[Math.floor(seed / 4) % NAMES.length];
    it(`adapters drawn by seed ${seed} for ${name} predict the same, read from there and written for there`, async () => {
      const made = join(folder, 'made');
      const python = await referencePython();
      const { chosen, settings, form } = await python.call<Made>('lora.make', {
        models,
        name,
        seed,
        folder: made,
      });
      const tensors = readSafetensors(join(made, 'case.tensors'));
      const expected = tensors.get('output') as tf.Tensor;
      const about = `${form} ${JSON.stringify(settings)}`;
      const model = load(name);
      try {
        assert.ok(deviation(expected, tensors.get('plain') as tf.Tensor) > 1e-3, 'it does nothing');
        model.loadLora(made);
        assert.deepEqual([...model.adapters.get('default').keys()].sort(), chosen, about);
        const read = deviation(predict(model, tensors), expected);
        assert.ok(read < RTOL, `read: ${read} ${about}`);

        for (const format of ['diffusers', 'peft'] as const) {
          const into = join(folder, format);
          model.saveLora(into, { format });
          const theirs = await theirOutput('predict', { name, folder: into, form: format });
          const written = deviation(theirs, expected);
          assert.ok(written < RTOL, `written for ${format}: ${written} ${about}`);
        }

        // The same settings, given to addLora, make adapters of the same layers, ranks and scales.
        model.addLora({
          rank: settings.r,
          alpha: settings.lora_alpha,
          targetModules: settings.target_modules,
          excludeModules: settings.exclude_modules ?? undefined,
          rankPattern: settings.rank_pattern,
          alphaPattern: settings.alpha_pattern,
          useRslora: settings.use_rslora,
          initLoraWeights: settings.init_lora_weights,
          adapterName: 'own',
          key: RandomKey.fromSeed(seed),
        });
        const sizes = (adapter: string) =>
          [...model.adapters.get(adapter)]
            .map(([path, { rank, alpha }]) => `${path} ${rank} ${alpha.toFixed(6)}`)
            .sort();
        assert.deepEqual(sizes('own'), sizes('default'), about);
      } finally {
        model.dispose();
      }
    });
  }

  it('setAdapters() weighs several adapters as set_adapters does', async () => {
    const name = 'tiny-qwen-image';
    const python = await referencePython();
    const model = load(name);
    const folders: string[] = [];
    let tensors: Tensors = new Map();
    for (const seed of [0, 4]) {
      const made = join(folder, `made${seed}`);
      await python.call('lora.make', { models, name, seed, folder: made });
      tensors = readSafetensors(join(made, 'case.tensors'));
      model.loadLora(made, { adapterName: `adapter${seed}` });
      folders.push(made);
    }
    const weights = [0.5, -1.25];
    model.setAdapters(['adapter0', 'adapter4'], weights);
    const expected = await theirOutput('predict_weighted', { name, folders, weights });
    const distance = deviation(predict(model, tensors), expected);
    assert.ok(distance < RTOL, `${distance}`);
    model.dispose();
  });
});
