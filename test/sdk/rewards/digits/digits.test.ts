import assert from 'node:assert/strict';
import {
  COLORS,
  editDistance,
  loadPrompts,
  pixelImage,
  RandomKey,
  readDigits,
  renderDigits,
  renderScene,
  scoreRewards,
  SHAPES,
  type ColorName,
  type PixelImage,
} from '@flowbook/sdk';
import { GLYPHS } from '../../../../sdk/src/rewards/digits/digit-font';
import { isLong } from '../../../long-run';
import { blurred, box, ground, noisy, recolored } from '../shapes/paint';

const draw = (text: string, seed = 1) => renderDigits(text, RandomKey.fromSeed(seed));
const score = (image: PixelImage, text: string) =>
  scoreRewards('digits_text', [image], [{ prompt: `the number ${text}`, text }]);

/** The picture with every pixel drawn as `times` x `times`. */
function enlarged({ width, height, data }: PixelImage, times: number): PixelImage {
  const levels: number[] = [];
  for (let row = 0; row < height * times; row++) {
    for (let column = 0; column < width * times; column++) {
      const at = 3 * (Math.floor(row / times) * width + Math.floor(column / times));
      levels.push(...data.subarray(at, at + 3));
    }
  }
  return pixelImage(width * times, height * times, levels);
}

describe('readDigits()', () => {
  it('reads what renderDigits() writes, for random numbers, places and colours', () => {
    const key = RandomKey.fromSeed(isLong ? Date.now() : 2);
    for (let run = 0; run < (isLong ? 10_000 : 500); run++) {
      const length = key.fold(run, 'length').integer(1, 5);
      const text = Array.from({ length }, (_, at) => key.fold(run, at).integer(0, 10)).join('');
      const image = renderDigits(text, key.fold(run));
      assert.equal(readDigits(image), text, `key ${key.words}, run ${run}`);
      if (run % 25 !== 0) continue;
      assert.equal(readDigits(noisy(image, 20, run)), text, `noise, key ${key.words}, run ${run}`);
    }
  });

  it('reads every digit with soft edges, and larger', () => {
    for (let digit = 0; digit < 10; digit++) {
      const text = `${digit}${(digit + 3) % 10}`;
      const image = draw(text, digit);
      const soft = blurred(image).data;
      const softened = recolored(image, (level, at) => (level + soft[at]) / 2);
      const larger = enlarged(image, 3);
      for (const picture of [softened, larger, blurred(larger)]) {
        assert.equal(readDigits(picture), text);
      }
    }
  });

  it('reads nothing from an empty picture, nor from specks', () => {
    assert.equal(readDigits(ground()), '');
    assert.equal(readDigits(box(ground(), [30, 30, 30], [20, 20, 3, 2])), '');
  });

  it('does not take other things for digits', () => {
    for (const shape of SHAPES) {
      for (const color of Object.keys(COLORS) as ColorName[]) {
        const image = renderScene([{ shape, color, x: 24, y: 40 }]);
        assert.equal(readDigits(image), '?', `${color} ${shape}`);
      }
    }
  });

  it('knows the digits of its font from each other in at least three dots', () => {
    for (const [one, glyph] of GLYPHS.entries()) {
      for (const other of GLYPHS.slice(one + 1)) {
        if (glyph[0].length !== other[0].length) continue;
        const differing = [...glyph.join('')].filter((dot, at) => dot !== other.join('')[at]);
        assert.ok(differing.length >= 3, `${one}: ${differing.length}`);
      }
    }
  });
});

describe('renderDigits()', () => {
  it('draws the same picture for the same key', () => {
    assert.deepEqual(draw('42').data, draw('42').data);
    assert.notDeepEqual(draw('42').data, draw('42', 2).data);
  });

  it('refuses what is no number, and what is too wide', () => {
    assert.throws(() => draw('4a'), {
      message: 'Cannot draw a number as its text must be digits from 0 to 9: current value is "4a"',
    });
    assert.throws(() => draw('88888'), {
      message:
        'Cannot draw a number as it must be at most 64 pixels wide: current value is 66 for "88888"',
    });
  });
});

describe('editDistance()', () => {
  it('is a distance, and known where it is known', () => {
    for (const [one, other, distance] of [
      ['', '', 0],
      ['', '123', 3],
      ['407', '407', 0],
      ['407', '47', 1],
      ['407', '4077', 1],
      ['407', '417', 1],
      ['12', '21', 2],
      ['kitten', 'sitting', 3],
    ] as const) {
      assert.equal(editDistance(one, other), distance);
      assert.equal(editDistance(other, one), distance);
    }
  });
});

describe('the reward digits_text', () => {
  it('is 1 less the share of characters that are wrong', async () => {
    assert.deepEqual(await score(draw('407'), '407'), [1]);
    assert.deepEqual(await score(draw('417'), '407'), [1 - 1 / 3]);
    assert.deepEqual(await score(draw('47'), '407'), [1 - 1 / 3]);
    assert.deepEqual(await score(draw('12'), '21'), [0]);
    assert.deepEqual(await score(ground(), '407'), [0]);
  });

  it('gives a number within more digits no full mark', async () => {
    assert.deepEqual(await score(draw('4071'), '407'), [1 - 1 / 3]);
    assert.deepEqual(await score(draw('1234'), '3'), [0]);
  });

  it("takes the asked text from verl's columns as well", async () => {
    const [record] = await loadPrompts('datasets/digits/held-out.parquet');
    const { text, ...columns } = record;
    const reward = await scoreRewards('digits_text', [draw(text as string)], [columns as never]);
    assert.deepEqual(reward, [1]);
  });

  it('refuses a record that asks for no digits', async () => {
    await assert.rejects(scoreRewards('digits_text', [ground()], [{ prompt: 'a hat' }]), {
      message:
        'Cannot score reward "digits_text" as it failed: Cannot judge digits as its text must be digits from 0 to 9: current value is undefined',
    });
  });

  it('is 1 for pictures of every prompt of datasets/digits', async () => {
    for (const name of ['train', 'held-out']) {
      const records = await loadPrompts(`datasets/digits/${name}.jsonl`);
      const images = records.map(({ text }, at) => draw(text as string, at));
      const rewards = await scoreRewards('digits_text', images, records);
      assert.ok(rewards.every((reward) => reward === 1));
    }
  });
});
