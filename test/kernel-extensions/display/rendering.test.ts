import assert from 'node:assert/strict';
import sharp from 'sharp';
import { unpackLatents } from '../../../kernel-extensions/src/display/charts/unpack-latents';
import { fitPrincipalColours } from '../../../kernel-extensions/src/display/charts/principal-colours';
import { format } from '../../../kernel-extensions/src/display/numbers';
import {
  encodePng,
  enlarge,
  reduce,
} from '../../../kernel-extensions/src/display/rendering/encode-png';
import { textWidth } from '../../../kernel-extensions/src/display/rendering/font';
import { colour } from '../../../kernel-extensions/src/display/rendering/theme';
import { wrapText } from '../../../kernel-extensions/src/display/rendering/wrap-text';
import { summarise } from '../../../kernel-extensions/src/display/statistics';
import { contrast, labDistance, simulate } from './colour-vision';
import { normals, pictureOf, tensorOf } from './samples';

describe('encodePng()', () => {
  it('gives a file that another decoder reads back to the same pixels', async () => {
    const data = Uint8Array.from({ length: 13 * 7 * 3 }, (_, i) => (i * 37) % 256);
    const png = encodePng({ width: 13, height: 7, data });
    const { data: back, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
    assert.deepEqual([info.width, info.height, info.channels], [13, 7, 3]);
    assert.deepEqual(new Uint8Array(back), data);
  });
});

describe('enlarge() and reduce()', () => {
  it('undo each other', () => {
    const picture = pictureOf(5, 4);
    const back = reduce(enlarge(picture, 3), 1 / 3);
    assert.deepEqual([back.width, back.height, back.data], [5, 4, picture.data]);
  });
});

describe('textWidth()', () => {
  it("gives DejaVu Sans's advance widths", () => {
    // Advance widths in the font's units of 1/2048 em: i 569, m 1995, sigma 1298; bold m 2134.
    assert.equal(textWidth('i', 2048), 569);
    assert.equal(textWidth('im', 2048), 569 + 1995);
    assert.equal(textWidth('σ', 2048), 1298);
    assert.equal(textWidth('m', 2048, true), 2134);
  });
});

describe('wrapText()', () => {
  it('breaks at spaces, cuts what is too long, and keeps the number of lines', () => {
    assert.deepEqual(wrapText('a red circle', 50, 11, 3), ['a red', 'circle']);
    assert.deepEqual(wrapText('', 50, 11, 3), []);
    const lines = wrapText('one two three four five six seven eight', 60, 11, 2);
    assert.equal(lines.length, 2);
    assert.match(lines[1], /…$/);
    for (const line of wrapText('w'.repeat(90), 60, 11, 3)) assert.ok(textWidth(line, 11) <= 60);
  });
});

describe('format()', () => {
  it('keeps four digits, names what is not finite, and is short at both ends', () => {
    const cases: [number, string][] = [
      [0.123456, '0.1235'],
      [-2, '−2'],
      [123456, '123456'],
      [2e-6, '2e-6'],
      [1.5e9, '1.5e9'],
      [NaN, 'NaN'],
      [-Infinity, '−∞'],
    ];
    for (const [value, text] of cases) assert.equal(format(value), text);
  });
});

describe('summarise()', () => {
  it('is exact for a large mean, and counts what is not finite', () => {
    const { mean, std } = summarise(Float64Array.of(1e8 + 1, 1e8 + 2, 1e8 + 3));
    assert.deepEqual([mean, std.toFixed(6)], [1e8 + 2, Math.sqrt(2 / 3).toFixed(6)]);
    const { nan, infinite, zeros, finite } = summarise([NaN, Infinity, 0, 1]);
    assert.deepEqual([nan, infinite, zeros, finite], [1, 1, 1, 2]);
  });
});

describe('unpackLatents()', () => {
  it('undoes the packing of 2 x 2 patches', () => {
    // One sample, one state, two channels of 4 x 6; packed as (rows, columns, channel, 2, 2).
    const plane = (channel: number, y: number, x: number) => 100 * channel + 10 * y + x;
    const packed: number[] = [];
    for (let row = 0; row < 2; row++) {
      for (let column = 0; column < 3; column++) {
        for (let c = 0; c < 2; c++) {
          for (const [dy, dx] of [
            [0, 0],
            [0, 1],
            [1, 0],
            [1, 1],
          ]) {
            packed.push(plane(c, 2 * row + dy, 2 * column + dx));
          }
        }
      }
    }
    const latents = unpackLatents(tensorOf([1, 1, 6, 8], packed), 0);
    assert.deepEqual([latents.channels, latents.height, latents.width], [2, 4, 6]);
    const expected = Array.from({ length: 24 }, (_, i) => plane(1, Math.floor(i / 6), i % 6));
    assert.deepEqual([...latents.plane(0, 1)], expected);
  });
});

describe('fitPrincipalColours()', () => {
  it('follows the strongest direction with the first colour', () => {
    const noise = normals(600);
    const vectors = Array.from({ length: 200 }, (_, i) =>
      Float32Array.of(10 * noise[i], noise[200 + i], 0.1 * noise[400 + i]),
    );
    const { colour: colourOf } = fitPrincipalColours(vectors);
    const [high] = colourOf(Float32Array.of(15, 0, 0));
    const [low] = colourOf(Float32Array.of(-15, 0, 0));
    assert.ok(Math.abs(high - low) > 120, `${high} and ${low}`);
    assert.deepEqual(colourOf(Float32Array.of(NaN, 0, 0)), [0, 0, 0]);
  });
});

describe('the palette', () => {
  const together: [string, string][] = [
    [colour.sky, colour.blue],
    [colour.blue, colour.vermilion],
    [colour.sky, colour.vermilion],
    [colour.orange, colour.sky],
    [colour.green, colour.vermilion],
  ];
  for (const kind of ['protanopia', 'deuteranopia', 'tritanopia'] as const) {
    it(`keeps colours that appear together apart in ${kind}`, () => {
      for (const [one, other] of together) {
        const distance = labDistance(simulate(one, kind), simulate(other, kind));
        assert.ok(distance > 15, `${one} and ${other}: ${distance.toFixed(1)}`);
      }
    });
  }

  it('gives text a contrast of at least 4.5 on the card', () => {
    for (const text of [colour.ink, colour.muted, colour.alarm, colour.amber]) {
      assert.ok(contrast(text, colour.card) >= 4.5, `${text}: ${contrast(text, colour.card)}`);
    }
  });
});
