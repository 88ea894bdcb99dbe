import assert from 'node:assert/strict';
import {
  combinationOf,
  countedPrompts,
  judgePicture,
  loadPrompts,
  loadShapesPairs,
  loadShapesPrompts,
  parseShapesPrompt,
  scoreRewards,
  splitKinds,
} from '@flowbook/sdk';

const path = (name: string) => `datasets/shapes/${name}`;
const train = loadShapesPrompts(path('train.jsonl'));
const heldOut = loadShapesPrompts(path('held-out.jsonl'));

describe('datasets/shapes', () => {
  it('keeps combinations of trained and held-out prompts apart, in every kind that counts', () => {
    const trained = new Set(train.map(combinationOf));
    const counted = countedPrompts(train, heldOut);
    assert.equal(counted.length, heldOut.length - 4);
    assert.deepEqual(
      counted.filter((prompt) => trained.has(combinationOf(prompt))),
      [],
    );
  });

  it('holds out a quarter of the combinations of every kind that counts', () => {
    for (const { kind, counts } of splitKinds(train, heldOut)) {
      const combinations = (prompts: typeof train) =>
        new Set(prompts.filter((prompt) => prompt.kind === kind).map(combinationOf)).size;
      const [trained, held] = [combinations(train), combinations(heldOut)];
      assert.equal(counts, kind !== 'single_object');
      if (counts) assert.equal(held, Math.round((trained + held) / 4), kind);
    }
  });

  for (const [name, split] of [
    ['train', 'train'],
    ['held-out', 'test'],
  ] as const) {
    it(`${name}.parquet says what ${name}.jsonl says, under verl-omni's columns`, async () => {
      const prompts = loadShapesPrompts(path(`${name}.jsonl`));
      const records = await loadPrompts(path(`${name}.parquet`));
      assert.deepEqual(records.map(parseShapesPrompt), prompts);
      assert.deepEqual((await loadPrompts(path(`${name}.jsonl`))).map(parseShapesPrompt), prompts);
      records.forEach((record, index) => {
        const { prompt, kind, objects, relation } = prompts[index];
        assert.deepEqual(record, {
          data_source: 'shapes',
          prompt,
          negative_prompt: ' ',
          ability: kind,
          reward_model: {
            style: 'rule',
            ground_truth: JSON.stringify({ kind, objects, relation }),
          },
          extra_info: {
            split,
            index,
            raw_prompt: prompt,
            raw_negative_prompt: ' ',
            counts: kind !== 'single_object',
          },
          kind,
          objects,
          relation,
        });
      });
    });
  }

  it('pairs.jsonl draws a right picture and a worse one for every trained prompt', async () => {
    const pairs = loadShapesPairs(path('pairs.jsonl'));
    assert.deepEqual(
      pairs.map(({ prompt }) => prompt),
      train.map(({ prompt }) => prompt),
    );
    const scores = (images: (typeof pairs)[0]['chosen'][]) => scoreRewards('shapes', images, train);
    assert.deepEqual(
      await scores(pairs.map(({ chosen }) => chosen)),
      pairs.map(({ winScore }) => winScore),
    );
    assert.deepEqual(
      await scores(pairs.map(({ rejected }) => rejected)),
      pairs.map(({ loseScore }) => loseScore),
    );
    pairs.forEach(({ rejected, winScore, loseScore, uid }, index) => {
      assert.ok(winScore === 1 && loseScore < 1, uid);
      assert.equal(judgePicture(rejected, train[index]).correct, false, uid);
    });
    assert.equal(new Set(pairs.map(({ uid }) => uid)).size, pairs.length);
  });
});
