import assert from 'node:assert/strict';
import { isPickle } from '../../../../sdk/src/io/http/pickle';

describe('isPickle()', () => {
  it('knows pickles of protocols 2 to 5 by their first two bytes and the last one', () => {
    const isOne = (...bytes: number[]) => isPickle(Uint8Array.from(bytes));
    assert.deepEqual(
      [1, 2, 3, 4, 5, 6].map((version) => isOne(0x80, version, 0x4e, 0x2e)),
      [false, true, true, true, true, false],
    );
    assert.equal(isOne(0x81, 4, 0x4e, 0x2e), false);
    assert.equal(isOne(0x80, 4, 0x4e, 0x2f), false);
    assert.equal(isOne(), false);
  });
});
