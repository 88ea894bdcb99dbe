import assert from 'node:assert/strict';
import { join } from 'node:path';
import sharp from 'sharp';
import { renderSvg } from '../../kernel-extensions/src/display/rendering/render-svg';
import { fontFiles } from '../../kernel-extensions/src/display/rendering/font';
import { curves, ratios } from '@flowbook/kernel-extensions';
import { repository } from '../setup/setup-module';
import {
  pixelDifference,
  readPixels,
  structureDifference,
  type Pixels,
} from './picture-difference';

const file = join(repository, 'docs/displays/ratios.png');

/** The picture with a rectangle in one colour. */
function painted({ width, height, data }: Pixels, [x, y, w, h]: number[], rgb: number[]): Pixels {
  const copy = Uint8Array.from(data);
  for (let row = y; row < y + h; row++) {
    for (let column = x; column < x + w; column++) copy.set(rgb, 4 * (row * width + column));
  }
  return { width, height, data: copy };
}

const changed = (edit: (image: sharp.Sharp) => sharp.Sharp) =>
  edit(sharp(file)).png().toBuffer().then(readPixels);

describe('pixelDifference()', () => {
  let kept: Pixels;
  before(async () => void (kept = await readPixels(file)));

  it('is empty for the picture itself, and for one that another processor rounded otherwise', async () => {
    assert.equal(await pixelDifference(kept, kept), '');
    const data = kept.data.map((level, at) =>
      at % 4 === 3 ? level : level ^ (at % 7 === 0 ? 1 : 0),
    );
    assert.equal(await pixelDifference({ ...kept, data }, kept), '');
  });

  it('says where a small square, a letter or a line is another one, or a size', async () => {
    assert.match(
      await pixelDifference(painted(kept, [300, 200, 8, 8], [214, 40, 40]), kept),
      /^64 pixels of a window of 32 x 32 differ$/,
    );
    assert.notEqual(await pixelDifference(painted(kept, [200, 300, 90, 3], [0, 0, 0]), kept), '');
    const smaller = { ...kept, height: kept.height - 1, data: kept.data.slice(0, -4 * kept.width) };
    assert.match(await pixelDifference(smaller, kept), /^it has \d+ x \d+ pixels, the kept one/);
  });
});

describe('structureDifference()', () => {
  let kept: Pixels;
  before(async () => void (kept = await readPixels(file)));

  /** A chart as another program with other fonts draws it. */
  async function inFont(drawing: ReturnType<typeof curves>, family: string): Promise<Pixels> {
    const { svg } = await renderSvg(drawing.spec);
    const { Resvg } = await import('@resvg/resvg-js');
    const fonts = [...fontFiles(), ...fontFiles().map((name) => name.replace('Sans', family))];
    const text = svg.replaceAll(/font-family="[^"]*"/g, `font-family="DejaVu ${family}"`);
    const font = {
      fontFiles: fonts,
      loadSystemFonts: false,
      defaultFontFamily: `DejaVu ${family}`,
    };
    return readPixels(Buffer.from(new Resvg(text, { font }).render().asPng()));
  }

  const runs = (factor: number) => ({
    a: Array.from({ length: 20 }, (_, step) => ({ step, reward: step * factor })),
    b: Array.from({ length: 20 }, (_, step) => ({ step, reward: 10 - step / 4 })),
  });

  it('is empty for other fonts, another resolution and a shift of a few pixels', async () => {
    const chart = curves(runs(0.5));
    const [sans, serif] = [await inFont(chart, 'Sans'), await inFont(chart, 'Serif')];
    assert.notEqual(await pixelDifference(serif, sans), '', 'they are different pictures');
    assert.equal(await structureDifference(serif, sans), '');
    const half = await changed((image) => image.resize(Math.round(kept.width / 2)));
    assert.equal(await structureDifference(half, kept), '');
    const shifted = await changed((image) =>
      image
        .extract({ left: 8, top: 0, width: kept.width - 8, height: kept.height })
        .extend({ right: 8, background: '#ffffff' }),
    );
    assert.equal(await structureDifference(shifted, kept), '');
  });

  it('names a chart that is empty, mirrored, in other hues, cut, or of other data', async () => {
    const white = painted(kept, [0, 100, kept.width, kept.height - 100], [255, 255, 255]);
    assert.match(await structureDifference(white, kept), /% of its cells are lost$/);
    const mutations = [
      (image: sharp.Sharp) => image.flop(),
      (image: sharp.Sharp) => image.flip(),
      (image: sharp.Sharp) => image.toColourspace('b-w'),
      (image: sharp.Sharp) => image.negate({ alpha: false }),
      (image: sharp.Sharp) =>
        image.extract({ left: 0, top: 0, width: kept.width, height: kept.height / 2 }),
    ];
    for (const mutate of mutations) {
      assert.notEqual(await structureDifference(await changed(mutate), kept), '', String(mutate));
    }
    const others = [0.5, -0.5].map((factor) => inFont(curves(runs(factor)), 'Sans'));
    const [one, other] = await Promise.all(others);
    assert.notEqual(await structureDifference(one, other), '');
    const narrow = ratios([0.99, 1, 1.01], { clipRange: 0.02 });
    assert.notEqual(await structureDifference(await inFont(narrow, 'Sans'), kept), '');
  });
});
