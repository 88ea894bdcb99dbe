import assert from 'node:assert/strict';
import { mean, median, share, standardDeviation } from '../../../sdk/src/core/statistics';

describe('statistics', () => {
  it('mean() and standardDeviation() are what their formulas say', () => {
    assert.equal(mean([1, 2, 6]), 3);
    assert.equal(standardDeviation([1, 2, 6], 0), Math.sqrt(14 / 3));
    assert.equal(standardDeviation([1, 2, 6], 1), Math.sqrt(7));
  });

  it('median() is the middle one, or half way between two, in whatever order', () => {
    const values = [10, 9, 1];
    assert.equal(median(values), 9);
    assert.deepEqual(values, [10, 9, 1], 'the list stays as it was');
    assert.equal(median([8, 100, 2, 4]), 6);
    assert.equal(median([5]), 5);
  });

  it('share() counts what holds', () => {
    assert.equal(
      share([1, 2, 3, 4], (value) => value > 3),
      0.25,
    );
  });

  it('gives NaN of nothing', () => {
    assert.deepEqual(
      [
        mean([]),
        median([]),
        standardDeviation([], 0),
        standardDeviation([1], 1),
        share([], () => true),
      ],
      [NaN, NaN, NaN, NaN, NaN],
    );
  });
});
