import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { samples } from '../kernel-extensions/display/samples';
import { pixelDifference, readPixels } from '../pictures/picture-difference';
import { repository } from '../setup/setup-module';
import { displayExamples, drawnBy, otherExamples, shownBy } from './display-examples';

describe('docs/displays.md', function () {
  this.timeout(120_000);
  const examples = displayExamples();

  for (const example of examples) {
    const { picture } = example;
    it(`shows ${picture} as the example above it draws it`, async () => {
      const drawn = await drawnBy(example);
      const file = join(repository, picture);
      if (process.env.FLOWBOOK_WRITE_PICTURES === '1') {
        mkdirSync(dirname(file), { recursive: true });
        const colours = sharp(drawn).flatten({ background: '#ffffff' });
        await colours.png({ palette: true, dither: 0, effort: 10 }).toFile(file);
      }
      assert.ok(statSync(file).size < 100_000, `${statSync(file).size} bytes`);
      assert.equal(await pixelDifference(await readPixels(drawn), await readPixels(file)), '');
    });
  }

  for (const example of otherExamples()) {
    it(`runs the example at ${example.name}`, async () => {
      assert.notDeepEqual(await shownBy(example), {});
    });
  }

  it('shows every display that the package has, and keeps no other pictures', () => {
    const text = readFileSync(join(repository, 'docs/displays.md'), 'utf8');
    const factories = new Set(Object.keys(samples).map((name) => name.split(/[ ,]/)[0]));
    for (const name of factories) assert.match(text, new RegExp(`\\b${name}(Bar)?\\(`), name);
    const kept = readdirSync(join(repository, 'docs/displays')).map(
      (name) => `docs/displays/${name}`,
    );
    assert.deepEqual(kept.sort(), examples.map(({ picture }) => picture).sort());
  });
});
