import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  QwenImageTransformer2DModel,
  SD3Transformer2DModel,
  loadPipeline,
  openModelDirectory,
  readSafetensors,
  savePipeline,
  tf,
  writeSafetensors,
  type SavePretrainedOptions,
} from '@flowbook/sdk';
import { float32ToBfloat16, float32ToFloat16 } from '../../sdk/src/io/half-precision';
import { isLong } from '../long-run';
import { repository } from '../setup/setup-module';
import { makePicture } from './pictures';
import { referencePython } from './reference-python';

const MODELS = join(__dirname, '../golden/models');
const PICTURE = { prompt: 'a red circle', negativePrompt: 'blue', size: 32, steps: 3, guidance: 2 };
/** Of pictures in [0, 1]: what three steps of float32 leave. */
const ATOL = 2e-4;
const SEEDS = isLong ? 20 : 1;

interface SavablePipeline {
  savePretrained(folder: string, options: SavePretrainedOptions): void;
  dispose(): void;
}

const SAVES: readonly SavePretrainedOptions[] = [
  { dtype: 'bfloat16', maxShardSize: '30KB' },
  { dtype: 'float16', maxShardSize: '10GB', variant: 'fp16' },
  { dtype: 'float32', maxShardSize: '50KB', variant: 'ema' },
  { dtype: 'float32', maxShardSize: '10GB' },
];

/** Ties, carries into the exponent, subnormals, overflow, infinities, zeros of both signs, and all exponents. */
function edgeValues(): Float32Array {
  const ends = [0, 1, 0xfff, 0x1000, 0x1001, 0x1fff, 0x2000, 0x3000, 0x7fff, 0x8000, 0x8001];
  const words: number[] = [];
  for (let upper = 0; upper < 0x10000; upper += isLong ? 1 : 7) {
    for (const lower of [...ends, 0xffff]) words.push(upper * 0x10000 + lower);
  }
  return new Float32Array(Uint32Array.from(words).buffer);
}

describe('checkpoints, from and for diffusers', function () {
  this.timeout(0);
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'flowbook-checkpoints-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** diffusers' picture of a folder, and ours from the same noise. */
  async function bothPictures(model: string, variant?: string): Promise<number> {
    const python = await referencePython();
    const into = join(folder, 'picture.safetensors');
    const { prompt, size, steps } = PICTURE;
    await python.call('checkpoints.picture', { folder: model, into, prompt, size, steps, variant });
    const theirs = readSafetensors(into);
    const ours = await makePicture(model, theirs.get('latents') as tf.Tensor, {
      ...PICTURE,
      variant,
    });
    const picture = theirs.get('picture') as tf.Tensor;
    assert.deepEqual(ours.shape, picture.shape);
    const spread = tf.tidy(() => tf.moments(picture).variance.dataSync()[0]);
    assert.ok(spread > 1e-4, `a picture of one colour shows nothing: variance ${spread}`);
    const [farthest] = tf.tidy(() => tf.max(tf.abs(tf.sub(ours, picture))).dataSync());
    tf.dispose([ours, ...theirs.values()]);
    return farthest;
  }

  it('float32ToBfloat16() and float32ToFloat16() give the bits that torch gives', async () => {
    const python = await referencePython();
    const values = edgeValues();
    const [path, into] = ['values', 'bits'].map((name) => join(folder, `${name}.safetensors`));
    writeSafetensors(path, { values: tf.tensor1d(values) });
    await python.call('checkpoints.round_floats', { path, into });
    const bits = readSafetensors(into);
    for (const [name, round] of [
      ['bfloat16', float32ToBfloat16],
      ['float16', float32ToFloat16],
    ] as const) {
      const expected = bits.get(name)?.dataSync() as Int32Array;
      const actual = round(values);
      const largest = name === 'bfloat16' ? 0x7f80 : 0x7c00;
      // Which of its NaNs torch writes depends on the processor.
      const differing = values.filter((value, i) =>
        Number.isNaN(value) ? (actual[i] & 0x7fff) <= largest : actual[i] !== expected[i],
      );
      assert.deepEqual([...differing], [], name);
    }
    tf.dispose([...bits.values()]);
  });

  for (const name of ['tiny-qwen-image', 'tiny-sd3', 'tiny-sd35']) {
    it(`savePipeline() writes the very bytes that diffusers writes of ${name}`, async () => {
      const source = join(MODELS, name);
      const python = await referencePython();
      const [ours, theirs] = ['ours', 'theirs'].map((part) => join(folder, part));
      const { className } = openModelDirectory(source);
      const Transformer =
        className === 'QwenImagePipeline' ? QwenImageTransformer2DModel : SD3Transformer2DModel;
      const transformer = Transformer.fromPretrained(source);
      savePipeline(ours, className, { transformer }, { source });
      transformer.dispose();
      await python.call('checkpoints.save_again', { source, folder: theirs });
      const [index, { _name_or_path, ...expected }] = [ours, theirs].map((root) =>
        JSON.parse(readFileSync(join(root, 'model_index.json'), 'utf8')),
      );
      assert.equal(_name_or_path, source);
      assert.deepEqual(index, expected);
      const weights = (root: string) =>
        readdirSync(root, { recursive: true, encoding: 'utf8' })
          .filter((file) => file.endsWith('.safetensors'))
          .sort();
      assert.deepEqual(weights(ours), weights(theirs));
      for (const file of weights(ours)) {
        const [a, b] = [ours, theirs].map((root) => readFileSync(join(root, file)));
        assert.ok(a.equals(b), file);
      }
    });
  }

  for (const name of ['tiny-qwen-image', 'tiny-sd3']) {
    it(`datasets/${name} makes the same picture here and in diffusers`, async () => {
      const deviation = await bothPictures(join(repository, 'datasets', name));
      assert.ok(deviation < ATOL, `deviation: ${deviation}`);
    });
  }

  for (const name of ['tiny-qwen-image', 'tiny-sd35']) {
    for (let seed = 0; seed < SEEDS; seed++) {
      it(`models of random sizes give the same picture, saved there or here: ${name}, seed ${seed}`, async () => {
        const python = await referencePython();
        const [theirs, ours] = ['theirs', 'ours'].map((part) => join(folder, part));
        const from = SAVES[seed % SAVES.length];
        await python.call('checkpoints.save_random_pipeline', {
          source: join(MODELS, name),
          folder: theirs,
          seed,
          dtype: from.dtype,
          max_shard_size: from.maxShardSize,
          variant: from.variant,
        });
        const read = await bothPictures(theirs, from.variant);
        assert.ok(read < ATOL, `read: ${read}`);

        const pipeline = await loadPipeline<SavablePipeline>(theirs, {}, { variant: from.variant });
        const into = SAVES[(seed + 1) % SAVES.length];
        pipeline.savePretrained(ours, into);
        pipeline.dispose();
        const written = await bothPictures(ours, into.variant);
        assert.ok(written < ATOL, `written: ${written}`);
      });
    }
  }
});
