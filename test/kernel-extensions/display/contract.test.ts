import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import Ajv from 'ajv';
import sharp from 'sharp';
import { type Drawing, mime } from '@flowbook/kernel-extensions';
import { renderSvg } from '../../../kernel-extensions/src/display/rendering/render-svg';
import { extremes, hostile, samples } from './samples';

/** The very Vega-Lite that JupyterLab 4.6 bundles, older than the one that draws our PNGs. */
const older = require('vega-lite-of-jupyterlab') as typeof import('vega-lite');
const schemaPath = require.resolve('vega-lite-of-jupyterlab/build/vega-lite-schema.json');
// The schema's formats (color, uri) are annotations only.
const validate = new Ajv({ strict: false, validateFormats: false }).compile(
  JSON.parse(readFileSync(schemaPath, 'utf8')),
);

/** Decodes a bundle's PNG. */
async function pixelsOf(base64: unknown) {
  const image = sharp(Buffer.from(base64 as string, 'base64')).removeAlpha();
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  const dark = (index: number) => data[3 * index] + data[3 * index + 1] + data[3 * index + 2] < 240;
  return { data, width: info.width, height: info.height, dark };
}

function checkSpec(drawing: Drawing): void {
  assert.equal(validate(drawing.spec), true, JSON.stringify(validate.errors?.slice(0, 3)));
  assert.equal(drawing.spec.$schema, 'https://vega.github.io/schema/vega-lite/v5.json');
  assert.equal(older.version, '5.6.1');
  const complaints: unknown[] = [];
  const complain = (...words: unknown[]) => complaints.push(words.join(' '));
  const logger = { level: () => 0, warn: complain, error: complain, info() {}, debug() {} };
  const compiled = older.compile(structuredClone(drawing.spec) as never, {
    logger: logger as never,
  });
  assert.ok(Array.isArray(compiled.spec.marks), 'it compiles as in JupyterLab');
  assert.deepEqual(complaints, []);
  const json = JSON.stringify(drawing.spec);
  assert.deepEqual(JSON.parse(json), drawing.spec, 'the specification survives JSON');
  const size = json.length + JSON.stringify(drawing.frames ?? null).length;
  assert.ok(size < 1e6, `${size} characters`);
}

function checkFrames({ frames }: Drawing): void {
  const { version, title, description, labels, tracks, start } = frames!;
  assert.equal(version, 1);
  assert.ok(title.length > 0 && description.length > 30);
  assert.ok(start >= 0 && start < labels.length);
  assert.deepEqual(JSON.parse(JSON.stringify(frames)), frames, 'the frames survive JSON');
  for (const { name, urls, notes } of tracks) {
    assert.equal(urls.length, labels.length, name);
    if (notes) assert.equal(notes.length, labels.length, name);
    for (const url of urls) assert.match(String(url), /^data:image\/png;base64,[\w+/=]+$/);
  }
}

for (const [name, make] of Object.entries(samples)) {
  describe(`display contract: ${name}`, () => {
    const drawing = make();
    let rendered: ReturnType<typeof renderSvg> | null = null;
    const render = () => (rendered ??= renderSvg(drawing.spec));

    const own = drawing.frames === undefined ? [] : [mime.frames];

    it('gives Vega-Lite as an object, a PNG with its size, and text', async () => {
      const { data, metadata, name: fileName } = await drawing;
      assert.deepEqual(
        Object.keys(data).sort(),
        [...own, mime.vegaLite, mime.png, mime.plain].sort(),
      );
      assert.equal(typeof data[mime.vegaLite], 'object');
      const { width, height } = metadata[mime.png] as { width: number; height: number };
      const pixels = await pixelsOf(data[mime.png]);
      assert.deepEqual([pixels.width, pixels.height], [2 * width, 2 * height]);
      assert.match(fileName ?? '', /^[a-z][a-z-]*$/);
    });

    it('has a valid specification that compiles without warnings', async () => {
      checkSpec(drawing);
      assert.deepEqual((await render()).warnings, []);
    });

    it('draws its title with the bundled font, on a card that is opaque on dark pages', async () => {
      const { data } = await drawing;
      const { data: rgb, width, dark } = await pixelsOf(data[mime.png]);
      let ink = 0;
      for (let i = 0; i < width * 64; i++) if (dark(i)) ink += 1;
      assert.ok(ink > 300, `${ink} dark pixels in the title's line`);
      assert.deepEqual([...rgb.subarray(0, 3)], [255, 255, 255]);
      assert.equal(drawing.spec.background, '#ffffff');
    });

    it('says the same in words, for terminals and for people who cannot see it', () => {
      assert.ok(drawing.text.length > 20, drawing.text);
      assert.match(drawing.text, /\d/);
      assert.ok(String(drawing.spec.description).length > 30);
      assert.doesNotMatch(drawing.text, /undefined|\[object|−/);
    });

    it('treats markup in names and captions as text', async () => {
      const { svg } = await render();
      assert.ok(!svg.includes(hostile));
      assert.ok(svg.includes('&lt;script&gt;'), 'the text itself is drawn');
    });

    it('leaves out the PNG on request, for live frames', async () => {
      const { data, metadata } = await drawing.bundle({ png: false });
      assert.deepEqual(Object.keys(data).sort(), [...own, mime.vegaLite, mime.plain].sort());
      assert.deepEqual(metadata, {});
    });

    if (drawing.frames) {
      it('gives its pictures one by one to viewers that scrub', () => checkFrames(drawing));
    }
  });
}

describe('display contract at the ends', () => {
  for (const [name, make] of Object.entries(extremes)) {
    it(`${name} stays valid, below a megabyte, and draws`, async () => {
      const drawing = make();
      checkSpec(drawing);
      assert.deepEqual((await renderSvg(drawing.spec)).warnings, []);
      const { data } = await drawing;
      assert.ok(String(data[mime.png]).length > 1000);
      assert.doesNotMatch(drawing.text, /undefined|no image/);
    });
  }
});
