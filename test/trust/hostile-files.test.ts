import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import { readNotebook } from '@flowbook/kernel-extensions';
import {
  Qwen2Tokenizer,
  loadPrompts,
  loadRunConfig,
  readImage,
  readRunLog,
  readSafetensors,
  tf,
} from '@flowbook/sdk';
import { parseYaml } from '../../sdk/src/config/run/parse-yaml';
import { readJsonLines } from '../../sdk/src/io/json-lines';
import { readLoraFile } from '../../sdk/src/io/lora-file';
import { readStateDict } from '../../sdk/src/io/state-dict';
import { writeSafetensors } from '../../sdk/src/io/write-safetensors';
import { readCheckpointInfo } from '../../sdk/src/training/run/checkpoint-info';
import { CHECKPOINT_STATE } from './checkpoint-state';
import { HOSTILE_TEMPLATES } from './hostile-templates';
import { inFolder } from '../sdk/training/run/small-runs';

const TSX = createRequire(__filename).resolve('tsx');
const MODEL = join(__dirname, '../golden/models/tiny-qwen-image');

/** A safetensors file of a header as it is given, with a length that may lie. */
function safetensors(folder: string, header: string, length = BigInt(Buffer.byteLength(header))) {
  const path = join(folder, 'model.safetensors');
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(length);
  writeFileSync(path, Buffer.concat([size, Buffer.from(header), Buffer.alloc(8)]));
  return path;
}

const entry = (shape: string, offsets: string) =>
  `{"dtype":"F32","shape":${shape},"data_offsets":${offsets}}`;

/** A tokenizer whose files are changed. */
function tokenizerWith(
  folder: string,
  file: string,
  change: (json: Record<string, unknown>) => void,
) {
  const path = join(folder, 'tokenizer');
  cpSync(join(MODEL, 'tokenizer'), path, { recursive: true });
  const json = JSON.parse(readFileSync(join(path, file), 'utf8')) as Record<string, unknown>;
  change(json);
  writeFileSync(join(path, file), JSON.stringify(json));
  return path;
}

function pngChunk(type: string, data: Buffer): Buffer {
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  const named = Buffer.concat([Buffer.from(type), data]);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}

describe('hostile files', function () {
  this.timeout(60_000);

  it('path traversal: an index cannot name a shard outside of its folder, by dots or from the root', () =>
    inFolder(async (parent) => {
      const outside = join(parent, 'secret.safetensors');
      cpSync(join(MODEL, 'transformer/diffusion_pytorch_model.safetensors'), outside);
      const folder = join(parent, 'transformer');
      mkdirSync(folder);
      for (const name of ['../secret.safetensors', outside, 'a/../../secret.safetensors']) {
        const index = { metadata: {}, weight_map: { 'proj_out.bias': name } };
        const path = join(folder, 'diffusion_pytorch_model.safetensors.index.json');
        writeFileSync(path, JSON.stringify(index));
        assert.throws(() => readStateDict(folder), {
          message: `Cannot read "${path}" as tensor "proj_out.bias" must lie in a .safetensors file beside it: current value is ${JSON.stringify(name)}`,
        });
      }
    }));

  it('symbolic links: a link to a folder or to itself is refused in words where a file is read', () =>
    inFolder(async (folder) => {
      const [toFolder, toItself] = [join(folder, 'a.safetensors'), join(folder, 'b.safetensors')];
      symlinkSync(folder, toFolder);
      symlinkSync(toItself, toItself);
      assert.throws(() => readSafetensors(toFolder), {
        message: `Cannot read safetensors file "${toFolder}" as it must be a file`,
      });
      assert.throws(
        () => readSafetensors(toItself),
        /^Error: Cannot read safetensors file ".*b\.safetensors": ELOOP: /,
      );
    }));

  it('giant headers: a length beyond the file or beyond 100 MB is refused before anything is allocated', () =>
    inFolder(async (folder) => {
      for (const length of [2n ** 64n - 1n, 2n ** 53n, 2n ** 31n, 10n ** 8n + 1n]) {
        const path = safetensors(folder, '{}', length);
        assert.throws(() => readSafetensors(path), {
          message: `Cannot read safetensors file "${path}" as its header must have at most 100000000 bytes: current value is ${length}`,
        });
      }
      const path = safetensors(folder, '{}', 11n);
      assert.throws(() => readSafetensors(path), {
        message: `Cannot read safetensors file "${path}" as its header must end inside the file, which has 18 bytes: current value is 19`,
      });
    }));

  it('integer overflow: shapes whose product wraps around are refused', () =>
    inFolder(async (folder) => {
      const counts = /the shape of tensor "a" must hold whole numbers from 0/;
      for (const [shape, rule] of [
        // 2^64 numbers: 0 in 64 bits, as the empty range says.
        [
          '[4294967296,4294967296]',
          /shape \[4294967296,4294967296\] must take 7378697629483\d+ bytes/,
        ],
        ['[9007199254740993]', counts],
        ['[1e308,10]', counts],
        ['[-1,-2]', counts],
      ] as const) {
        const path = safetensors(folder, `{"a":${entry(shape, '[0,0]')}}`);
        assert.throws(() => readSafetensors(path), rule, shape);
      }
    }));

  it('duplicate keys: of two tensors of one name none is taken in silence', () =>
    inFolder(async (folder) => {
      const header = `{"a":${entry('[1]', '[0,4]')},"a":${entry('[1]', '[4,8]')}}`;
      assert.throws(
        () => readSafetensors(safetensors(folder, header)),
        /as a key of its header must occur once: current value is "a" twice$/,
      );
      assert.throws(
        () => parseYaml('actor: {lr: 1}\nactor: {lr: 2}', 'a.yaml'),
        /^Error: Cannot read a\.yaml as .*Map keys must be unique/,
      );
    }));

  it('prototype pollution: __proto__ is a name like any other, and changes nothing', () =>
    inFolder(async (folder) => {
      const tensors = readSafetensors(
        safetensors(folder, `{"__proto__":${entry('[2]', '[0,8]')}}`),
      );
      assert.deepEqual([...tensors.keys()], ['__proto__']);
      tf.dispose([...tensors.values()]);
      const lines = join(folder, 'lines.jsonl');
      writeFileSync(
        lines,
        '{"prompt":"a fox","__proto__":{"polluted":1},"constructor":{"prototype":{}}}\n',
      );
      readJsonLines(lines);
      await loadPrompts(lines);
      const path = tokenizerWith(folder, 'tokenizer_config.json', () => {});
      const config = readFileSync(join(path, 'tokenizer_config.json'), 'utf8');
      writeFileSync(
        join(path, 'tokenizer_config.json'),
        config.replace('{', '{"__proto__":{"polluted":1},'),
      );
      Qwen2Tokenizer.fromPretrained(path);
      for (const key of ['__proto__.polluted', 'reward.reward_functions.__proto__.polluted']) {
        assert.throws(() => loadRunConfig(null, [`++${key}=1`]), /there is no key ".*__proto__/);
      }
      loadRunConfig(null, [
        '++reward.reward_functions.constructor={name: a, prototype: {polluted: 1}}',
      ]);
      assert.equal(({} as Record<string, unknown>).polluted, undefined);
    }));

  it('Jinja loops: a chat template that does not end is stopped', () =>
    inFolder(async (folder) => {
      const path = tokenizerWith(folder, 'tokenizer_config.json', (config) => {
        config.chat_template =
          "{% set ns = namespace(s='a') %}{% for a in range(22) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}" +
          "{% for a in range(99999) %}{% if 'b' in ns.s %}{% endif %}{% endfor %}";
      });
      assert.throws(
        () =>
          Qwen2Tokenizer.fromPretrained(path).applyChatTemplate([{ role: 'user', content: 'a' }]),
        {
          message:
            'Cannot apply a chat template: it must take at most 2000 ms, and did not end within that',
        },
      );
    }));

  it('Jinja memory: chat templates that double lists and texts end in words, in a process with 100 MB of heap', () => {
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      ['--max-old-space-size=100', '--import', TSX, join(__dirname, 'render-child.ts')],
      { encoding: 'utf8' },
    );
    assert.equal(status, 0, stderr);
    const said = JSON.parse(stdout) as Record<string, string>;
    assert.deepEqual(Object.keys(said), Object.keys(HOSTILE_TEMPLATES));
    for (const [what, message] of Object.entries(said)) {
      assert.match(
        message,
        /^Cannot apply a chat template: it must (make at most 64 MB of texts, lists and loops|take at most 2000 ms, .+)/,
        what,
      );
      assert.ok(message.length < 540, what);
    }
    // That one is stopped by what it makes, and at once.
    assert.match(said['doubles a list'], /64 MB/);
  });

  it("exploding regular expressions: a tokenizer's is stopped", () =>
    inFolder(async (folder) => {
      const path = tokenizerWith(folder, 'tokenizer.json', (json) => {
        json.pre_tokenizer = {
          type: 'Split',
          pattern: { Regex: '^(a+)+$' },
          behavior: 'Isolated',
          invert: false,
        };
      });
      assert.throws(() => Qwen2Tokenizer.fromPretrained(path).encode(`${'a'.repeat(60)}b`), {
        message:
          /^Cannot encode a text .*it must take at most 5000 ms, and did not end within that/,
      });
    }));

  it("exploding regular expressions: a LoRA file's patterns are stopped, all of a file by one limit", () =>
    inFolder(async (folder) => {
      const path = join(folder, 'lora.safetensors');
      const [A, B] = [tf.zeros([2, 4]), tf.zeros([4, 2])];
      const layers = [0, 1].map((block) => `transformer.${'a'.repeat(60)}.${block}`);
      const tensors = layers.flatMap((layer) => [
        [`${layer}.lora_A.weight`, A],
        [`${layer}.lora_B.weight`, B],
      ]);
      const settings = { 'transformer.r': 2, 'transformer.rank_pattern': { '(\\w+\\w*)+!': 4 } };
      const metadata = { lora_adapter_metadata: JSON.stringify(settings) };
      writeSafetensors(path, Object.fromEntries(tensors), { metadata });
      assert.throws(() => readLoraFile(path), {
        message: `Cannot read LoRA file "${path}" by its rank_pattern and alpha_pattern: it must take at most 5000 ms, and did not end within that`,
      });
      tf.dispose([A, B]);
    }));

  it('zip bombs: a picture of a few bytes that asks for gigabytes is refused', () =>
    inFolder(async (folder) => {
      const header = Buffer.alloc(13);
      header.writeUInt32BE(100_000, 0);
      header.writeUInt32BE(100_000, 4);
      header.set([8, 2, 0, 0, 0], 8);
      const path = join(folder, 'bomb.png');
      const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
      const data = pngChunk('IDAT', deflateSync(Buffer.alloc(1e6)));
      const parts = [signature, pngChunk('IHDR', header), data, pngChunk('IEND', Buffer.alloc(0))];
      writeFileSync(path, Buffer.concat(parts));
      await assert.rejects(
        readImage(path),
        /^Error: Cannot read ".*bomb\.png" as it must be a whole picture: Input image exceeds pixel limit$/,
      );
    }));

  it('pictures that name other files: an SVG is refused', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'picture.png');
      writeFileSync(
        path,
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="file:///etc/passwd"/></svg>',
      );
      await assert.rejects(readImage(path), /its format must be png, jpeg, webp, gif, tiff, heif/);
    }));

  it('checkpoints: a field of state.json that no trainer writes is refused by its name, whatever the manifest says', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'state.json');
      const read = (text: string) => {
        writeFileSync(path, text);
        return readCheckpointInfo(folder);
      };
      assert.deepEqual(read(JSON.stringify(CHECKPOINT_STATE)), CHECKPOINT_STATE);
      const count = 'must be a whole number from';
      for (const [field, value, rule] of [
        ['format', '2', 'must be 1'],
        ['step', '"2"', `${count} 0`],
        ['step', '-5', `${count} 0`],
        ['step', '1.5', `${count} 0`],
        ['step', '1e+300', `${count} 0`],
        ['step', 'null', `${count} 0`],
        ['seconds', '"x"', 'must be a number from 0'],
        ['seconds', '-1', 'must be a number from 0'],
        ['microBatchSize', '-4', `${count} 1`],
        ['microBatchSize', '0', `${count} 1`],
        ['promptSpreads', '"x"', 'must be a list'],
        ['promptSpreads', '{}', 'must be a list'],
        ['seed', '"0"', 'must be a number'],
        ['trainer', '7', 'must be a text'],
        ['settings', '7', 'must be an object'],
        ['model', '[]', 'must be an object'],
        ['versions', '"x"', 'must be an object'],
      ]) {
        const text = JSON.stringify({ ...CHECKPOINT_STATE, [field]: 0 }).replace(
          `"${field}":0`,
          `"${field}":${value}`,
        );
        assert.throws(() => read(text), {
          message: `Cannot read "${path}" as its ${field} ${rule}: current value is ${value}`,
        });
      }
      assert.throws(
        () => read(JSON.stringify({ ...CHECKPOINT_STATE, promptSpreads: [0.5, 'x'] })),
        {
          message: `Cannot read "${path}" as its promptSpreads.1 must be a number from 0, or null: current value is "x"`,
        },
      );
    }));

  it('logs of runs: a row that is neither numbers by name nor an alarm is refused in words', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'log.jsonl');
      for (const [row, problem] of [
        ['null', 'row 2 must be an object: current value is null'],
        ['7', 'row 2 must be an object: current value is 7'],
        ['{}', 'step of row 2 must be a whole number from 0: current value is undefined'],
        ['{"step":"21"}', 'step of row 2 must be a whole number from 0: current value is "21"'],
        [
          '{"step":2,"reward":"x"}',
          'reward of row 2 must be a number, or null: current value is "x"',
        ],
        ['{"step":2,"alarm":7}', 'alarm of row 2 must be an object: current value is 7'],
      ]) {
        writeFileSync(path, `{"step":1,"seconds":1,"reward":null}\n${row}\n`);
        assert.throws(() => readRunLog(folder), { message: `Cannot read "${path}" as ${problem}` });
      }
    }));

  it('notebooks: cells of the wrong kind, depth or size are refused in words', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'a.ipynb');
      const deep = '['.repeat(100_000) + ']'.repeat(100_000);
      for (const text of [
        '{"cells":{}}',
        `{"cells":${deep}}`,
        '[]',
        '{"cells":[{"cell_type":7}]}',
      ]) {
        writeFileSync(path, text);
        assert.throws(() => readNotebook(path), /Cannot /);
      }
    }));
});
