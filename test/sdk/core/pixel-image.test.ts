import assert from 'node:assert/strict';
import { pixelImage } from '../../../sdk/src/core/pixel-image';

describe('pixelImage()', () => {
  it('copies its bytes, and cuts off what is not whole', () => {
    const bytes = Uint8Array.of(1, 2, 3);
    const image = pixelImage(1, 1, bytes);
    bytes[0] = 9;
    assert.deepEqual([...image.data], [1, 2, 3]);
    assert.deepEqual([...pixelImage(1, 1, [0, 254.9, 255]).data], [0, 254, 255]);
  });

  for (const value of [-0.1, 255.5, 300, NaN]) {
    it(`refuses ${value}, which would wrap round`, () => {
      assert.throws(() => pixelImage(1, 1, [0, value, 0]), {
        message: `Cannot make a picture as its values must be from 0 to 255: current value at 1 is ${value}`,
      });
    });
  }

  it('refuses another number of bytes', () => {
    assert.throws(() => pixelImage(2, 1, [1, 2, 3]), {
      message: 'Cannot make a picture of 2 x 1 pixels as it takes 6 bytes: current number is 3',
    });
  });
});
