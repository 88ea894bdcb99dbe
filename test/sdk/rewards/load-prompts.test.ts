import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadPrompts } from '@flowbook/sdk';
import { parquetFile, type Fields } from '../../../datasets/make/parquet-file';

describe('loadPrompts()', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'flowbook-prompts-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  const jsonl = (...rows: unknown[]) => {
    const path = join(folder, 'rows.jsonl');
    writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    return path;
  };
  const parquet = async (columns: Fields, ...rows: Record<string, unknown>[]) => {
    const path = join(folder, 'rows.parquet');
    writeFileSync(path, await parquetFile(columns, rows));
    return path;
  };

  it('reads plain prompts with their other fields', async () => {
    assert.deepEqual(await loadPrompts(jsonl({ prompt: 'a hat', size: 3 }, { prompt: 'a shoe' })), [
      { prompt: 'a hat', size: 3 },
      { prompt: 'a shoe' },
    ]);
  });

  const chat = [
    { role: 'system', content: 'Describe the image:' },
    { role: 'user', content: 'a sign that says "open"' },
  ];
  const row = {
    data_source: 'ocr',
    prompt: chat,
    negative_prompt: [chat[0], { role: 'user', content: ' ' }],
    reward_model: { style: 'model', ground_truth: 'open' },
    extra_info: { split: 'train', index: 7 },
  };
  const record = { ...row, prompt: 'a sign that says "open"', negative_prompt: ' ' };
  const columns: Fields = {
    data_source: 'text',
    prompt: { list: { fields: { role: 'text', content: 'text' } } },
    negative_prompt: { list: { fields: { role: 'text', content: 'text' } } },
    reward_model: { fields: { style: 'text', ground_truth: 'text' } },
    extra_info: { fields: { split: 'text', index: 'integer' } },
  };

  it("reads verl-omni's columns from JSONL and from Parquet alike", async () => {
    assert.deepEqual(await loadPrompts(jsonl(row)), [record]);
    assert.deepEqual(await loadPrompts(await parquet(columns, row)), [record]);
  });

  it("takes the plain text of extra_info before the chat's", async () => {
    const [{ prompt }] = await loadPrompts(
      jsonl({ prompt: chat, extra_info: { raw_prompt: 'open' } }),
    );
    assert.equal(prompt, 'open');
  });

  it('joins what a user says in several messages', async () => {
    const messages = [{ role: 'user', content: 'a hat' }, ...chat];
    const [{ prompt }] = await loadPrompts(jsonl({ prompt: messages }));
    assert.equal(prompt, 'a hat\na sign that says "open"');
  });

  it('names the row that has no prompt', async () => {
    const path = jsonl({ prompt: 'a hat' }, { prompt: [chat[0]] });
    await assert.rejects(loadPrompts(path), {
      message: `Cannot read prompts from "${path}" as row 2 must have a prompt, a text or a chat in which a user says something: current value is [{"role":"system","content":"Describe the image:"}]`,
    });
    for (const [wrong, shown] of [
      [{ text: 'a hat' }, '{"text":"a hat"}'],
      [{ prompt: ' ' }, '" "'],
      [{ prompt: 3 }, '3'],
      ['a hat', '"a hat"'],
      [null, 'null'],
    ]) {
      await assert.rejects(loadPrompts(jsonl(wrong)), (error: Error) =>
        error.message.endsWith(
          `row 1 must have a prompt, a text or a chat in which a user says something: current value is ${shown}`,
        ),
      );
    }
    const empty = await parquet({ prompt: 'text' }, { prompt: 'a hat' }, { prompt: null });
    await assert.rejects(loadPrompts(empty), /as row 2 must have a prompt/);
  });

  it('refuses other files by their names', async () => {
    await assert.rejects(loadPrompts('prompts.txt'), {
      message:
        'Cannot read prompts as the file\'s name must end in .jsonl or .parquet: current value is "prompts.txt"',
    });
  });
});
