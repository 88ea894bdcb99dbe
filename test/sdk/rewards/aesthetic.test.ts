import assert from 'node:assert/strict';
import { aestheticParts, pixelImage, scoreRewards, type PixelImage, type Rgb } from '@flowbook/sdk';

/** A picture of 8 x 8 pixels. */
function picture(colorAt: (column: number, row: number) => Rgb): PixelImage {
  const pixels = Array.from({ length: 64 }, (_, at) => colorAt(at % 8, Math.floor(at / 8)));
  return pixelImage(8, 8, pixels.flat());
}

const near = (value: number, expected: number) =>
  assert.ok(Math.abs(value - expected) < 1e-9, `${value} is not ${expected}`);
const grey = (level: number): Rgb => [level, level, level];

describe('aestheticParts()', () => {
  it('measures contrast by the standard deviation of brightness, full at a quarter of the range', () => {
    near(aestheticParts(picture(() => grey(90))).contrast, 0);
    // Halves at 100 and 110 deviate by 5 levels.
    const halves = (low: number, high: number) =>
      aestheticParts(picture((column) => grey(column < 4 ? low : high))).contrast;
    near(halves(100, 110), 5 / 255 / 0.25);
    near(halves(0, 255), 1);
  });

  it('finds one hue and two opposite ones in harmony, and three apart from each other not', () => {
    const stripes = (...colors: Rgb[]) =>
      aestheticParts(picture((column, row) => colors[(column + 8 * row) % colors.length])).harmony;
    const [red, green, blue, cyan, yellow]: Rgb[] = [
      [255, 0, 0],
      [0, 255, 0],
      [0, 0, 255],
      [0, 255, 255],
      [255, 255, 0],
    ];
    near(stripes(red), 1);
    near(stripes(red, cyan), 1);
    near(stripes(grey(3), grey(200)), 1);
    // Hues 0 and 60 degrees: |1 + e^(i pi/3)| / 2.
    near(stripes(red, yellow), Math.sqrt(3) / 2);
    // 64 pixels are 22 of one and 21 of the two others: what is left over of 64.
    near(stripes(red, green, blue), 1 / 64);
  });

  it('counts a pixel by its colourfulness', () => {
    const pale: Rgb = [155, 255, 155];
    const parts = aestheticParts(picture((column) => (column < 4 ? [255, 0, 0] : pale)));
    // Weights 255 and 100, hues 0 and 120 degrees; twice the hues are 0 and 240.
    near(parts.harmony, Math.hypot(255 - 50, 50 * Math.sqrt(3)) / 355);
  });

  it('measures how far the middle of what stands out lies from the middle', () => {
    const dot = (columns: number[], rows: number[]) =>
      aestheticParts(
        picture((column, row) => grey(columns.includes(column) && rows.includes(row) ? 0 : 255)),
      ).centring;
    near(dot([3, 4], [3, 4]), 1);
    assert.ok(dot([0, 1], [0, 1]) < dot([1, 2], [1, 2]));
    near(dot([0, 1], [0, 1]), dot([6, 7], [6, 7]));
    near(aestheticParts(picture(() => grey(9))).centring, 1);
  });

  it('measures the share of neighbours in flat regions', () => {
    near(aestheticParts(picture((column, row) => grey(((column + row) % 2) * 255))).calm, 0);
    // One of seven steps in each of eight rows is an edge, of 112 pairs.
    near(aestheticParts(picture((column) => grey(column < 4 ? 0 : 255))).calm, 104 / 112);
    near(aestheticParts(picture((column) => grey(7 * column))).calm, 1);
    near(aestheticParts(picture((column) => grey(9 * column))).calm, 0.5);
    near(aestheticParts(pixelImage(1, 1, [1, 2, 3])).calm, 1);
  });
});

describe('the reward aesthetic', () => {
  it('is the mean of its parts', async () => {
    const image = picture((column) => (column < 3 ? [255, 0, 0] : [0, 90, 20]));
    const { contrast, harmony, centring, calm } = aestheticParts(image);
    const [reward] = await scoreRewards('aesthetic', [image], [{ prompt: 'a hat' }]);
    near(reward, (contrast + harmony + centring + calm) / 4);
  });

  it('rates a centred flat shape above noise', async () => {
    const shape = picture((column, row) =>
      column > 1 && column < 6 && row > 1 && row < 6 ? [200, 30, 30] : [240, 240, 240],
    );
    const noise = picture((column, row) => [
      (column * 97 + row * 57) % 256,
      (column * 31 + row * 171) % 256,
      (column * 211 + row * 13) % 256,
    ]);
    const prompts = [{ prompt: 'a' }, { prompt: 'b' }];
    const [better, worse] = await scoreRewards('aesthetic', [shape, noise], prompts);
    assert.ok(better > worse + 0.2, `${better} and ${worse}`);
  });
});
