import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
  RandomKey,
  loadPipeline,
  rolloutGroups,
  tf,
  type PixelImage,
  type RolloutPipeline,
} from '@flowbook/sdk';
import { overlapping } from '../../../sdk/src/training/overlapping';
import { StepScorer } from '../../../sdk/src/training/score-step';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('overlapping()', () => {
  it('begins a batch while the one before is in its second half, never a third', async () => {
    const events: string[] = [];
    await overlapping(['a', 'b', 'c'], async (item, at, onHalf, before) => {
      events.push(`begin ${item} ${at}`);
      await turn();
      onHalf();
      for (let turns = 0; turns < 5; turns++) await turn();
      await before;
      events.push(`end ${item}`);
    });
    assert.deepEqual(events, [
      ...['begin a 0', 'begin b 1', 'end a', 'begin c 2', 'end b', 'end c'],
    ]);
  });

  for (const [half, failing] of [
    ['first', 'a'],
    ['first', 'b'],
    ['second', 'a'],
    ['second', 'b'],
  ] as const) {
    it(`fails as the ${half} half of ${failing} does, once nothing is under way`, async () => {
      let underWay = 0;
      const work = overlapping(['a', 'b', 'c'], async (item, _, onHalf, before) => {
        underWay++;
        try {
          await turn();
          if (item === failing && half === 'first') throw new Error(item);
          onHalf();
          await turn();
          if (item === failing) throw new Error(item);
          await before;
        } finally {
          underWay--;
        }
      });
      await assert.rejects(work, { message: failing });
      assert.equal(underWay, 0);
    });
  }
});

describe('rolloutGroups() with onPictures', function () {
  this.timeout(120_000);
  let pipeline: RolloutPipeline;
  before(async () => {
    pipeline = await loadPipeline<RolloutPipeline>(
      join(__dirname, '../../golden/models/tiny-qwen-image'),
      {
        pipeline: { height: 32, width: 32, num_inference_steps: 3 },
      },
    );
  });
  after(() => pipeline.dispose());

  const prompts = ['a red circle', 'two blue squares', 'a cross'].map((prompt) => ({ prompt }));
  const options = { groupSize: 2, sdeWindowSize: 1, sdeWindowRange: [0, 2] as const };
  const roll = (more: object) =>
    rolloutGroups(pipeline, prompts, { key: RandomKey.fromSeed(3), ...options, ...more });

  it('hands over the same pictures in order, rated or not', async () => {
    const seen: PixelImage[] = [];
    const of: string[] = [];
    const batch = await roll({
      microBatchSize: 2,
      onPictures: async (images: PixelImage[], records: { prompt: string }[]) => {
        await turn();
        seen.push(...images);
        of.push(...records.map(({ prompt }) => prompt));
      },
    });
    const plain = await roll({ microBatchSize: 2 });
    assert.deepEqual(seen, batch.images);
    assert.deepEqual(
      of,
      batch.prompts.map(({ prompt }) => prompt),
    );
    assert.deepEqual(
      batch.images.map(({ data }) => [...data]),
      plain.images.map(({ data }) => [...data]),
    );
    assert.deepEqual(
      await batch.tensors.all_log_probs!.array(),
      await plain.tensors.all_log_probs!.array(),
    );
    batch.dispose();
    plain.dispose();
  });

  it('denoises the next pictures while a rating waits for them', async () => {
    const forward = pipeline.forward.bind(pipeline);
    let begun = 0;
    let second!: () => void;
    const secondBegan = new Promise<void>((resolve) => (second = resolve));
    pipeline.forward = (...given: Parameters<typeof forward>) => {
      if (++begun === 2) second();
      return forward(...given);
    };
    try {
      // Would wait for ever if the second micro-batch began after the first one's rating.
      const batch = await roll({ microBatchSize: 2, onPictures: () => secondBegan });
      assert.equal(begun, 3);
      batch.dispose();
    } finally {
      pipeline.forward = forward;
    }
  });

  it('leaves no tensor behind when a rating fails', async () => {
    const held = tf.memory().numTensors;
    const onPictures = () => Promise.reject(new Error('no rating'));
    await assert.rejects(roll({ microBatchSize: 2, onPictures }), { message: 'no rating' });
    assert.equal(tf.memory().numTensors, held);
  });
});

describe('StepScorer', () => {
  const image = (level: number) => ({ width: 1, height: 1, data: [level, 0, 0] }) as never;
  const images = [10, 20, 30, 40, 50, 60].map(image);
  const prompts = images.map((_, row) => ({ prompt: `picture ${row}` }));
  const groups = [0, 0, 1, 1, 2, 2];
  const settings = { rewardNormalization: 'batch', onRewardFailure: 'drop' } as const;

  it('asks a reward about whole groups, and gives what one call gives', async () => {
    const asked: string[][] = [];
    const level = async (given: PixelImage[], records: { prompt: string }[]) => {
      asked.push(records.map(({ prompt }) => prompt));
      return given.map(({ data }) => data[0]);
    };
    const odd = async (given: PixelImage[]) => given.map(({ data }) => (data[0] > 50 ? NaN : 1));
    const reward = { level: { reward: level, weight: 2 }, odd };
    const whole = new StepScorer({ reward, ...settings }, 2, null);
    await whole.rate(images, prompts);
    const parts = new StepScorer({ reward, ...settings }, 2, null);
    for (const [start, end] of [
      [0, 3],
      [3, 4],
      [4, 5],
      [5, 6],
    ]) {
      await parts.rate(images.slice(start, end), prompts.slice(start, end));
    }
    assert.deepEqual(
      asked.slice(1).map((rows) => rows.length),
      [2, 2, 2],
    );
    const found = parts.finish(groups);
    assert.deepEqual(found, whole.finish(groups));
    assert.equal(found.failures, 1);
    assert.deepEqual(found.rated, [0, 1, 2, 3, 4]);
    assert.equal(found.terms.level, 35);
  });
});
