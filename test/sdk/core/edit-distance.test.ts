import assert from 'node:assert/strict';
import { editDistance } from '../../../sdk/src/core/edit-distance';

describe('editDistance()', () => {
  for (const [one, other, distance, withSwaps] of [
    ['', '', 0, 0],
    ['', 'abc', 3, 3],
    ['407', '47', 1, 1],
    ['kitten', 'sitting', 3, 3],
    ['steps', 'setps', 2, 1],
    ['ab', 'ba', 2, 1],
    ['abcd', 'badc', 3, 2],
    ['aab', 'baa', 2, 2],
    ['xab', 'bay', 2, 2],
  ] as const) {
    it(`of "${one}" and "${other}" is ${distance}, with swaps ${withSwaps}`, () => {
      for (const [a, b] of [
        [one, other],
        [other, one],
      ]) {
        assert.equal(editDistance(a, b), distance);
        assert.equal(editDistance(a, b, { swaps: true }), withSwaps);
      }
    });
  }
});
