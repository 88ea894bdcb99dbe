import assert from 'node:assert/strict';
import { loadPrompts } from '@flowbook/sdk';

const load = (name: string) => loadPrompts(`datasets/digits/${name}`);

describe('datasets/digits', () => {
  it('holds out a quarter of the numbers of every kind', async () => {
    const [train, heldOut] = await Promise.all([load('train.jsonl'), load('held-out.jsonl')]);
    const trained = new Set(train.map(({ text }) => text));
    assert.equal(trained.size, train.length);
    assert.ok(heldOut.every(({ text }) => !trained.has(text)));
    for (const kind of ['one_digit', 'two_digits', 'three_digits']) {
      const count = (records: typeof train) => records.filter((one) => one.kind === kind).length;
      assert.equal(count(heldOut), Math.round((count(train) + count(heldOut)) / 4), kind);
    }
  });

  for (const name of ['train', 'held-out']) {
    it(`${name}.parquet says what ${name}.jsonl says, under verl-omni's columns`, async () => {
      const plain = await load(`${name}.jsonl`);
      const records = await load(`${name}.parquet`);
      assert.deepEqual(
        records.map(({ prompt, kind, text }) => ({ prompt, kind, text })),
        plain,
      );
      assert.ok(
        records.every(
          ({ data_source, ability, reward_model, text }) =>
            data_source === 'digits' &&
            ability === 'ocr' &&
            (reward_model as { ground_truth: string }).ground_truth === text,
        ),
      );
    });
  }
});
