import assert from 'node:assert/strict';
import { RandomKey, pictureDiversity, pixelImage } from '@flowbook/sdk';

describe('pictureDiversity()', () => {
  const key = RandomKey.fromSeed(1);
  const noise = (at: number) =>
    pixelImage(
      3,
      2,
      Array.from({ length: 18 }, (_, byte) => key.fold(at, byte).integer(0, 256)),
    );

  it('is the root mean square over all pairs, pair by pair', () => {
    const images = [0, 1, 2, 3].map(noise);
    let sum = 0;
    for (const [a, first] of images.entries()) {
      for (const second of images.slice(a + 1)) {
        sum += first.data.reduce((all, value, at) => all + (value - second.data[at]) ** 2, 0) / 18;
      }
    }
    const found = pictureDiversity(images, [7, 7, 7, 7]);
    assert.ok(Math.abs(found - Math.sqrt(sum / 6) / 255) < 1e-12);
  });

  it('is 0 of equal pictures, whatever the other prompts are, and does not go by order', () => {
    const [a, b] = [noise(0), noise(1)];
    assert.equal(pictureDiversity([a, a, a], [0, 0, 0]), 0);
    assert.equal(pictureDiversity([a, b, a, b], [0, 1, 0, 1]), 0);
    assert.equal(pictureDiversity([a, b], [0, 0]), pictureDiversity([b, a], [3, 3]));
  });

  it('says nothing of prompts with one picture', () => {
    assert.ok(Number.isNaN(pictureDiversity([noise(0), noise(1)], [0, 1])));
    const both = pictureDiversity([noise(0), noise(1), noise(2)], [0, 0, 1]);
    assert.equal(both, pictureDiversity([noise(0), noise(1)], [0, 0]));
  });
});
