import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { readNotebook } from '@flowbook/kernel-extensions';
import { Qwen2Tokenizer, loadPrompts, readImage, readSafetensors, tf } from '@flowbook/sdk';
import { readJsonLines } from '../../sdk/src/io/json-lines';
import { readStateDict } from '../../sdk/src/io/state-dict';
import { inFolder } from '../sdk/training/run/small-runs';

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
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  return Buffer.concat([length, Buffer.from(type), data, Buffer.alloc(4)]);
}

describe('hostile files', function () {
  this.timeout(60_000);

  it('path traversal: an index cannot name a shard outside of its folder, by dots, from the root, or by a link', () =>
    inFolder(async (parent) => {
      const outside = join(parent, 'secret.safetensors');
      cpSync(join(MODEL, 'transformer/diffusion_pytorch_model.safetensors'), outside);
      const folder = join(parent, 'transformer');
      mkdirSync(folder);
      for (const name of ['../secret.safetensors', outside, 'a/../../secret.safetensors']) {
        const index = { metadata: {}, weight_map: { 'proj_out.bias': name } };
        const path = join(folder, 'diffusion_pytorch_model.safetensors.index.json');
        writeFileSync(path, JSON.stringify(index));
        assert.throws(() => readStateDict(folder), /^Error: Cannot /, name);
      }
    }));

  it('symbolic links: a link to a folder or to itself is refused in words where a file is read', () =>
    inFolder(async (folder) => {
      const [toFolder, toItself] = [join(folder, 'a.safetensors'), join(folder, 'b.safetensors')];
      symlinkSync(folder, toFolder);
      symlinkSync(toItself, toItself);
      for (const path of [toFolder, toItself]) {
        assert.throws(() => readSafetensors(path), /^Error: Cannot /);
      }
    }));

  it('giant headers: a length beyond the file or beyond 100 MB is refused before anything is allocated', () =>
    inFolder(async (folder) => {
      for (const length of [2n ** 64n - 1n, 2n ** 53n, 2n ** 31n, 10n ** 9n]) {
        assert.throws(() => readSafetensors(safetensors(folder, '{}', length)), /^Error: Cannot /);
      }
    }));

  it('integer overflow: shapes whose product wraps around are refused', () =>
    inFolder(async (folder) => {
      for (const shape of [
        '[4294967296,4294967296]',
        '[9007199254740993]',
        '[1e308,10]',
        '[-1,-2]',
      ]) {
        const path = safetensors(folder, `{"a":${entry(shape, '[0,8]')}}`);
        assert.throws(() => readSafetensors(path), /^Error: Cannot /, shape);
      }
    }));

  it('duplicate keys: of two tensors of one name none is taken in silence', () =>
    inFolder(async (folder) => {
      const header = `{"a":${entry('[1]', '[0,4]')},"a":${entry('[1]', '[4,8]')}}`;
      assert.throws(() => readSafetensors(safetensors(folder, header)), /^Error: Cannot /);
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
      assert.equal(({} as Record<string, unknown>).polluted, undefined);
    }));

  for (const [what, template, rule] of [
    [
      'one loop',
      '{% for a in range(999999999) %}{% endfor %}',
      'range() must give at most 100000 numbers: current value is 999999999',
    ],
    [
      'nested loops',
      '{% for a in range(99999) %}{% for b in range(99999) %}b{% endfor %}{% endfor %}',
      'it must take at most 2000 ms, and did not end within that',
    ],
  ]) {
    it(`Jinja loops: a chat template with ${what} without end is stopped`, () =>
      inFolder(async (folder) => {
        const path = tokenizerWith(folder, 'tokenizer_config.json', (config) => {
          config.chat_template = template;
        });
        assert.throws(
          () =>
            Qwen2Tokenizer.fromPretrained(path).applyChatTemplate([{ role: 'user', content: 'a' }]),
          { message: `Cannot apply a chat template: ${rule}` },
        );
      }));
  }

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
        /^Error: Cannot read ".*bomb\.png" as it must be a whole picture/,
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
