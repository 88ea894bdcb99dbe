import assert from 'node:assert/strict';
import { mediansOf } from './rounds';

describe('bench:kernel', () => {
  it('mediansOf() gives the middle of each list, and null where a kernel once did not do it', () => {
    assert.deepEqual(mediansOf({ start: { a: [3, 1, 2], b: [4, null, 5] }, help: { a: [1, 2] } }), {
      start: { a: 2, b: null },
      help: { a: 1.5 },
    });
  });
});
