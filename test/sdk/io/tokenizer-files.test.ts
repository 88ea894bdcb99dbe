import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyTokenizerFiles, readTokenizerFiles } from '../../../sdk/src/io/tokenizer-files';
import { inFolder } from '../training/run/small-runs';

describe('readTokenizerFiles()', () => {
  it('reads what is there: a definition, or a vocabulary with its merges', () =>
    inFolder(async (parent) => {
      const folder = join(parent, 'tokenizer');
      mkdirSync(folder);
      const needs = (found: string) => ({
        message: `Cannot load a tokenizer as "${folder}" must hold tokenizer.json, or vocab.json and merges.txt: current value is ${found}`,
      });
      assert.throws(() => readTokenizerFiles(folder), needs('an empty folder'));
      writeFileSync(join(folder, 'vocab.json'), '{"a":0}');
      assert.throws(() => readTokenizerFiles(folder), needs('vocab.json'));
      rmSync(join(folder, 'vocab.json'));
      writeFileSync(join(folder, 'merges.txt'), 'a b\n');
      assert.throws(() => readTokenizerFiles(folder), needs('merges.txt'));
      writeFileSync(join(folder, 'vocab.json'), '{"a":0}');
      writeFileSync(join(folder, 'merges.txt'), '#version: 0.2\r\na b\n# b\n\n#version c\n');
      const files = readTokenizerFiles(folder);
      assert.deepEqual(files, {
        directory: folder,
        definition: null,
        config: {},
        vocab: { a: 0 },
        merges: [
          ['a', 'b'],
          ['#', 'b'],
          ['#version', 'c'],
        ],
        addedTokens: null,
        chatTemplate: null,
      });
      writeFileSync(join(folder, 'merges.txt'), 'a b\n');
      assert.deepEqual(readTokenizerFiles(folder).merges, [['a', 'b']]);
      writeFileSync(join(folder, 'tokenizer.json'), '{"version":"1.0"}');
      writeFileSync(join(folder, 'chat_template.jinja'), '{{ 1 }}');
      writeFileSync(join(folder, 'tokenizer_config.json'), '{"bos_token":"a"}');
      const more = readTokenizerFiles(folder);
      assert.deepEqual(
        [more.definition, more.chatTemplate, more.config],
        [{ version: '1.0' }, '{{ 1 }}', { bos_token: 'a' }],
      );
    }));

  it('copyTokenizerFiles() takes its files along, and no others', () =>
    inFolder(async (parent) => {
      const [from, to] = ['from', 'to'].map((name) => join(parent, name));
      mkdirSync(from);
      const names = [
        'added_tokens.json',
        'chat_template.jinja',
        'chat_template.json',
        'merges.txt',
        'special_tokens_map.json',
        'spiece.model',
        'tokenizer.json',
        'tokenizer.model',
        'tokenizer_config.json',
        'vocab.json',
        'vocab.txt',
      ];
      for (const name of [...names, 'model.safetensors']) writeFileSync(join(from, name), name);
      copyTokenizerFiles(from, to);
      assert.deepEqual(readdirSync(to).sort(), names);
    }));
});
