import assert from 'node:assert/strict';
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CLIPTokenizer,
  openModelDirectory,
  Qwen2Tokenizer,
  readLoraFile,
  T5Tokenizer,
  tf,
  writeLoraFile,
  type LoraWeights,
} from '@flowbook/sdk';
import fc from 'fast-check';
import { readJsonLines } from '../../sdk/src/io/json-lines';
import { damaged, names, tampered, values } from './awkward';
import { holds, inputFolder, outcomeOf } from './property';
import { entryText, fileOf } from './safetensors-oracle';

const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as object;

describe('LoRA files', () => {
  const folder = inputFolder();
  const sizes = fc.integer({ min: 1, max: 3 });
  const paths = fc
    .array(fc.constantFrom('to_q', 'attn', 'blocks', '0', '1', 'ff.net'), {
      minLength: 1,
      maxLength: 3,
    })
    .map((parts) => parts.join('.'));
  const layers = fc.uniqueArray(
    fc.record({
      path: paths,
      rank: sizes,
      inputs: sizes,
      outputs: sizes,
      alpha: fc.integer({ min: 1, max: 64 }),
    }),
    { minLength: 1, maxLength: 3, selector: ({ path }) => path },
  );

  holds('readLoraFile() gives back what writeLoraFile() was given', layers, (list) => {
    const path = folder.fresh();
    const weights = new Map<string, LoraWeights>(
      list.map(({ path: module, rank, inputs, outputs, alpha }, at) => {
        const A = tf.fill([rank, inputs], at + 0.5) as tf.Tensor2D;
        const B = tf.fill([outputs, rank], -at) as tf.Tensor2D;
        return [module, { A, B, rank, alpha }];
      }),
    );
    writeLoraFile(path, weights);
    const read = readLoraFile(path);
    const plain = (layers: Map<string, LoraWeights>) =>
      [...layers]
        .map(([module, { A, B, rank, alpha }]) => [
          module,
          A.arraySync(),
          B.arraySync(),
          rank,
          alpha,
        ])
        .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
    assert.deepEqual(plain(read), plain(weights));
    for (const layers of [read, weights]) {
      for (const { A, B } of layers.values()) tf.dispose([A, B]);
    }
  });

  holds(
    'a LoRA file with wrong names, shapes or settings is refused in words, or read as it stands',
    fc.record({
      tensors: fc.array(
        fc.record({
          name: fc.oneof(
            names,
            fc
              .tuple(
                fc.constantFrom('transformer.', 'base_model.model.', '', 'unet.'),
                paths,
                fc.constantFrom('A', 'B', 'C'),
              )
              .map(([prefix, path, side]) => `${prefix}${path}.lora_${side}.weight`),
          ),
          shape: fc.array(fc.nat(2), { maxLength: 3 }),
        }),
        { maxLength: 4 },
      ),
      settings: fc.oneof(
        values,
        tampered(
          fc.constant({
            'transformer.r': 2,
            'transformer.lora_alpha': 4,
            'transformer.alpha_pattern': { to_q: 8 },
            'transformer.use_rslora': false,
            'transformer.use_dora': false,
          }),
        ),
        fc.constant({ 'transformer.alpha_pattern': { '(': 1 } }),
      ),
      isPeft: fc.boolean(),
    }),
    ({ tensors, settings, isPeft }) => {
      const path = folder.fresh();
      let end = 0;
      const entries = tensors.map(({ name, shape }) => {
        const bytes = shape.reduce((size, side) => size * side, 4);
        return entryText(name, { dtype: 'F32', shape, data_offsets: [end, (end += bytes)] });
      });
      if (isPeft) {
        const plain = JSON.stringify(settings ?? null).replaceAll('transformer.', '');
        writeFileSync(join(path, 'adapter_config.json'), plain);
      } else {
        const metadata = { lora_adapter_metadata: JSON.stringify(settings ?? null) };
        entries.unshift(entryText('__metadata__', metadata));
      }
      const file = join(
        path,
        isPeft ? 'adapter_model.safetensors' : 'pytorch_lora_weights.safetensors',
      );
      writeFileSync(file, fileOf(`{${entries.join(',')}}`, new Uint8Array(end)));
      const outcome = outcomeOf(() => readLoraFile(path));
      if ('error' in outcome) return;
      for (const { A, B, rank, alpha } of outcome.value.values()) {
        assert.deepEqual([A.shape[0], B.shape[1]], [rank, rank]);
        assert.ok(Number.isFinite(alpha), String(alpha));
        tf.dispose([A, B]);
      }
    },
  );
});

describe('JSON lines', () => {
  const folder = inputFolder();
  const path = () => join(folder.path, 'lines.jsonl');

  holds('readJsonLines() gives back any values', fc.array(fc.jsonValue()), (list) => {
    writeFileSync(path(), list.map((value) => `${JSON.stringify(value)}\n`).join(''));
    assert.deepEqual(readJsonLines(path()), JSON.parse(JSON.stringify(list)));
  });

  holds(
    'a damaged file is refused in words, or read line by line',
    damaged(
      fc
        .array(fc.jsonValue({ maxDepth: 1 }))
        .map((list) => Buffer.from(list.map((value) => JSON.stringify(value)).join('\n'))),
    ),
    (bytes) => {
      writeFileSync(path(), bytes);
      const outcome = outcomeOf(() => readJsonLines(path()));
      if ('error' in outcome) return;
      const lines = Buffer.from(bytes)
        .toString()
        .split('\n')
        .filter((line) => line.trim() !== '');
      assert.deepEqual(
        outcome.value,
        lines.map((line) => JSON.parse(line) as unknown),
      );
    },
  );
});

describe('model directories', () => {
  const folder = inputFolder();
  holds(
    'a model_index.json with wrong entries is refused in words, or names its components',
    tampered(fc.constant(readJson('datasets/tiny-qwen-image/model_index.json'))),
    (index) => {
      const path = folder.fresh();
      writeFileSync(join(path, 'model_index.json'), JSON.stringify(index));
      const outcome = outcomeOf(() => openModelDirectory(path));
      if ('error' in outcome) return;
      assert.equal(outcome.value.className, index._class_name);
      for (const [library, className] of Object.values(outcome.value.components)) {
        assert.deepEqual([typeof library, typeof className], ['string', 'string']);
      }
    },
  );
});

const tokenizers = {
  Qwen2Tokenizer: { load: Qwen2Tokenizer, from: 'datasets/tiny-qwen-image/tokenizer' },
  CLIPTokenizer: { load: CLIPTokenizer, from: 'test/golden/models/tiny-sd3/tokenizer' },
  T5Tokenizer: { load: T5Tokenizer, from: 'test/golden/models/tiny-sd3/tokenizer_3' },
};

describe('tokenizer files', () => {
  const folder = inputFolder();
  for (const [name, { load, from }] of Object.entries(tokenizers)) {
    for (const file of ['tokenizer_config.json', 'tokenizer.json']) {
      holds(
        `${file} of ${name} with wrong values is refused in words, or gives tokens of the vocabulary`,
        tampered(fc.constant(readJson(join(from, file)))),
        (json) => {
          const path = join(folder.path, `${name} ${file}`);
          if (!existsSync(path)) cpSync(from, path, { recursive: true });
          writeFileSync(join(path, file), JSON.stringify(json));
          const outcome = outcomeOf(() => {
            const tokenizer = load.fromPretrained(path);
            return { ids: tokenizer.encode('a red circle'), tokenizer };
          });
          if ('error' in outcome) return;
          assert.ok(outcome.value.ids.every((id) => Number.isInteger(id) && id >= 0));
        },
      );
    }
  }
});
