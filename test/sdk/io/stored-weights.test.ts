import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSafetensors } from '../../../sdk/src/io';
import { parseByteSize, planShards } from '../../../sdk/src/io/shards';
import { readStateDict, writeStateDict } from '../../../sdk/src/io/state-dict';
import { hasWeights, locateWeights, StoredWeights } from '../../../sdk/src/io/stored-weights';
import { QwenImageTransformer2DModel } from '../../../sdk/src/models/qwen-image/transformer';
import { T5EncoderModel } from '../../../sdk/src/models/stable-diffusion-3/t5-encoder';
import { openModelDirectory } from '../../../sdk/src/io/model-directory';
import { variantOf } from '../../../sdk/src/pipelines/variant-of';
import { tf } from '../../../sdk/src/tensorflow';

const MODELS = join(__dirname, '../../golden/models');

describe('weights of a component', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'flowbook-weights-'));
    tf.engine().startScope();
  });
  afterEach(() => {
    tf.engine().endScope();
    rmSync(folder, { recursive: true });
  });

  it('planShards() gives a tensor that is too large a file of its own and goes on filling the one before', () => {
    const sizes = (
      [
        ['a', 6],
        ['b', 20],
        ['c', 4],
        ['d', 1],
      ] as const
    ).values();
    assert.deepEqual(planShards(sizes, 10), [['b'], ['a', 'c'], ['d']]);
  });

  it('parseByteSize() counts in powers of ten', () => {
    assert.deepEqual(['10GB', '1.5 kb', '2MB', 7].map(parseByteSize), [10e9, 1500, 2e6, 7]);
    assert.throws(() => parseByteSize('10GiB'), {
      message:
        'Cannot write shards as maxShardSize must be bytes, or a text such as "10GB" with KB, MB, GB or TB: current value is "10GiB"',
    });
    for (const size of ['x10GB', '10GBx', '1 0GB', '0GB', '-1GB', 0, -1, NaN]) {
      assert.throws(
        () => parseByteSize(size),
        /^Error: Cannot write shards as maxShardSize/,
        `${size}`,
      );
    }
  });

  it('locateWeights() takes an index before a file, as diffusers does, and a file before an index, as transformers does', () => {
    const locate = (names: string[], variant?: string) =>
      locateWeights((name) => names.includes(name), variant);
    for (const [stem, first] of [
      ['diffusion_pytorch_model', 'index'],
      ['model', 'file'],
    ] as const) {
      const [file, index] = [`${stem}.safetensors`, `${stem}.safetensors.index.json`];
      assert.deepEqual(locate([file]), { name: file, stem, isIndex: false });
      assert.deepEqual(locate([index]), { name: index, stem, isIndex: true });
      const isIndex = first === 'index';
      assert.deepEqual(locate([file, index]), { name: isIndex ? index : file, stem, isIndex });
    }
    assert.equal(locate(['model.fp16.safetensors']), null);
    assert.equal(locate(['model.safetensors'], 'fp16'), null);
    assert.deepEqual(locate(['model.safetensors.fp16.index.json'], 'fp16'), {
      name: 'model.safetensors.fp16.index.json',
      stem: 'model',
      isIndex: true,
    });
  });

  it('writeStateDict() names variants as diffusers does and leaves other variants alone', () => {
    const tensors = new Map(['a', 'b'].map((name) => [name, tf.fill([10], 1 / 3)]));
    writeStateDict(folder, tensors);
    writeStateDict(folder, tensors, { variant: 'fp16', dtype: 'float16', maxShardSize: 20 });
    assert.deepEqual(readdirSync(folder).sort(), [
      'diffusion_pytorch_model.fp16-00001-of-00002.safetensors',
      'diffusion_pytorch_model.fp16-00002-of-00002.safetensors',
      'diffusion_pytorch_model.safetensors',
      'diffusion_pytorch_model.safetensors.index.fp16.json',
    ]);
    const index = join(folder, 'diffusion_pytorch_model.safetensors.index.fp16.json');
    assert.deepEqual(JSON.parse(readFileSync(index, 'utf8')).metadata, { total_size: 40 });
    const half = readStateDict(folder, { variant: 'fp16' }).get('b')?.dataSync()[0];
    assert.deepEqual([half, readStateDict(folder).size], [0.333251953125, 2]);
    assert.equal(hasWeights(folder, { variant: 'ema' }), false);
    assert.throws(
      () => readStateDict(folder, { variant: 'ema' }),
      /must hold diffusion_pytorch_model.ema.safetensors or model.ema.safetensors, or their index/,
    );
  });

  it('writeStateDict() removes the shards of an earlier writing, and no file of another name', () => {
    const tensors = new Map(['a', 'b'].map((name) => [name, tf.fill([10], 1)]));
    writeStateDict(folder, tensors, { maxShardSize: 40 });
    const others = ['-draft.safetensors', '-00001-of-2.safetensors', '-of.safetensors', '.txt'];
    const strangers = others.map((end) => `diffusion_pytorch_model${end}`);
    for (const name of strangers) writeFileSync(join(folder, name), '');
    assert.equal(readdirSync(folder).length, 3 + strangers.length);
    writeStateDict(folder, tensors);
    assert.deepEqual(
      readdirSync(folder).sort(),
      [...strangers, 'diffusion_pytorch_model.safetensors'].sort(),
    );
  });

  it('StoredWeights goes by the index of a diffusion model and by the one file of a transformers model', () => {
    for (const stem of ['diffusion_pytorch_model', 'model'] as const) {
      const own = join(folder, stem);
      writeStateDict(own, new Map([['x', tf.scalar(1)]]), { stem });
      const index = { weight_map: { x: 'other.safetensors' } };
      writeFileSync(join(own, `${stem}.safetensors.index.json`), JSON.stringify(index));
      if (stem === 'model') assert.equal(readStateDict(own).get('x')?.dataSync()[0], 1);
      else assert.throws(() => readStateDict(own), /its index names "other.safetensors"/);
    }
  });

  it('StoredWeights reads shards under the names that diffusers once gave variants', () => {
    writeStateDict(folder, new Map([['x', tf.scalar(2)]]));
    const from = join(folder, 'diffusion_pytorch_model.safetensors');
    const shard = 'diffusion_pytorch_model-00001-of-00001.fp16.safetensors';
    writeFileSync(join(folder, shard), readFileSync(from));
    writeFileSync(
      join(folder, 'diffusion_pytorch_model.safetensors.fp16.index.json'),
      JSON.stringify({ weight_map: { x: shard } }),
    );
    const weights = new StoredWeights(folder, { variant: 'fp16' });
    assert.equal(weights.path('x'), join(folder, shard));
    weights.close();
  });

  it('variantOf() takes the variant where a component has it, and refuses one that none has', () => {
    const index = { _class_name: 'P', vae: ['diffusers', 'V'], unet: ['diffusers', 'U'] };
    writeFileSync(join(folder, 'model_index.json'), JSON.stringify(index));
    for (const name of ['vae', 'unet']) mkdirSync(join(folder, name));
    writeStateDict(join(folder, 'vae'), new Map([['x', tf.scalar(1)]]), { variant: 'fp16' });
    const files = variantOf(openModelDirectory(folder), 'fp16');
    assert.deepEqual([files('vae'), files('unet')], [{ variant: 'fp16' }, {}]);
    assert.throws(
      () => variantOf(openModelDirectory(folder), 'ema'),
      /a component must have weights of variant "ema": components are vae, unet/,
    );
  });

  it('fromPretrained() names missing, unknown and misshapen tensors with shapes and files', () => {
    const source = join(MODELS, 'tiny-qwen-image/transformer');
    const tensors = readStateDict(source);
    tensors.delete('img_in.bias');
    tensors.set('spare', tf.zeros([2]));
    tensors.set('proj_out.bias', tf.zeros([3]));
    writeStateDict(folder, tensors);
    writeFileSync(join(folder, 'config.json'), readFileSync(join(source, 'config.json')));
    const file = join(folder, 'diffusion_pytorch_model.safetensors');
    const before = tf.memory().numTensors;
    assert.throws(() => QwenImageTransformer2DModel.fromPretrained(folder), {
      message: `Cannot load QwenImageTransformer2DModel from "${folder}" as parameters must fit the configuration: img_in.bias of shape [64] is missing; spare in "${file}" is unknown; proj_out.bias in "${file}" has shape [3] instead of [16]`,
    });
    assert.equal(tf.memory().numTensors, before);
  });

  it('T5EncoderModel takes either name of its embedding, or both, and leaves a decoder unread', () => {
    const source = join(MODELS, 'tiny-sd3/text_encoder_3');
    const config = readFileSync(join(source, 'config.json'));
    const tensors = readStateDict(source);
    const shared = tensors.get('shared.weight') as tf.Tensor;
    const ids = { input_ids: tf.tensor2d([[11, 19, 1]], [1, 3], 'int32') };
    const expected = T5EncoderModel.fromPretrained(source).forward(ids).dataSync();
    for (const names of [
      ['encoder.embed_tokens.weight'],
      ['shared.weight', 'encoder.embed_tokens.weight'],
    ]) {
      const renamed = new Map([...tensors].filter(([name]) => name !== 'shared.weight'));
      for (const name of names) renamed.set(name, shared);
      renamed.set('decoder.final_layer_norm.weight', tf.ones([48]));
      writeStateDict(folder, renamed, { stem: 'model' });
      writeFileSync(join(folder, 'config.json'), config);
      assert.deepEqual(T5EncoderModel.fromPretrained(folder).forward(ids).dataSync(), expected);
    }
  });

  it('savePretrained() of a frozen component writes a model that was made of tensors, and rewrites a folder in place', () => {
    const source = join(MODELS, 'tiny-sd3/text_encoder_3');
    const stored = T5EncoderModel.fromPretrained(source);
    const config = JSON.parse(readFileSync(join(source, 'config.json'), 'utf8'));
    const held = new T5EncoderModel(config, readStateDict(source));
    held.savePretrained(folder);
    const ids = { input_ids: tf.tensor2d([[11, 19, 1]], [1, 3], 'int32') };
    const expected = stored.forward(ids);
    const loaded = T5EncoderModel.fromPretrained(folder);
    assert.deepEqual(loaded.forward(ids).dataSync(), expected.dataSync());
    loaded.savePretrained(folder, { dtype: 'bfloat16', maxShardSize: '10KB' });
    assert.ok(readdirSync(folder).includes('model.safetensors.index.json'));
    const again = T5EncoderModel.fromPretrained(folder);
    const distance = tf.max(tf.abs(tf.sub(again.forward(ids), expected))).dataSync()[0];
    assert.ok(distance > 0 && distance < 0.1, `${distance}`);
    const settings = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
    assert.deepEqual([settings.dtype, settings.architectures], ['bfloat16', ['T5EncoderModel']]);
    const [shard] = readdirSync(folder).filter((name) => name.endsWith('.safetensors'));
    const file = openSafetensors(join(folder, shard));
    assert.deepEqual(file.metadata, { format: 'pt' });
    file.close();
  });

  it('writeStateDict() refuses a type that it does not know', () => {
    const options = { dtype: 'float8' as 'float16' };
    assert.throws(() => writeStateDict(folder, new Map(), options), {
      message:
        'Cannot write weights as dtype must be float32, float16, bfloat16: current value is "float8"',
    });
  });
});
