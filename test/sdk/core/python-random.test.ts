import assert from 'node:assert/strict';
import { PythonRandom } from '../../../sdk/src/core/python-random';

const draws = (random: PythonRandom, count: number, low: number, high: number) =>
  Array.from({ length: count }, () => random.randint(low, high));

describe('PythonRandom', () => {
  // Computed with CPython 3.11's random.Random.
  for (const [seed, large, small] of [
    [0, [885440, 403958, 794772], [-1, -2, -1, 0, -1]],
    [42, [670487, 116739, 26225], [0, -1, -2, -2, -2]],
    [-7, [339563, 993908, 158176], [-1, 0, -2, -2, 0]],
    [2 ** 40 + 3, [230463, 63787, 576159], [-2, 0, -1, 0, -1]],
  ] as [number, number[], number[]][]) {
    it(`draws what random.Random(${seed}) draws`, () => {
      const random = new PythonRandom(seed);
      assert.deepEqual(draws(random, 3, 0, 1_000_000), large);
      assert.deepEqual(draws(random, 5, -2, 0), small);
    });
  }

  it('refuses ends that are no integers in order, or 2^32 apart', () => {
    const random = new PythonRandom(5);
    assert.equal(random.randint(0, 2 ** 32 - 2) < 2 ** 32, true);
    for (const [low, high] of [
      [0, 2 ** 32 - 1],
      [0, 2 ** 40],
      [1, 0],
      [0.5, 2],
      [NaN, 1],
    ]) {
      assert.throws(() => random.randint(low, high), {
        message: `Cannot draw randint as low <= high must be integers less than 2^32 apart: ${low}, ${high}`,
      });
    }
  });

  it('goes on beyond its first 624 words', () => {
    assert.deepEqual(draws(new PythonRandom(1), 1000, 0, 9).slice(-5), [0, 2, 0, 8, 7]);
  });

  it('draws from one number alone, by a word each time, as CPython does', () => {
    const random = new PythonRandom(7);
    const drawn = [random.randint(3, 3), random.randint(0, 10 ** 6)];
    drawn.push(random.randint(-5, -5), random.randint(0, 10 ** 6));
    assert.deepEqual(drawn, [3, 993908, -5, 414002]);
  });

  it('draws what random.Random(text) draws', () => {
    for (const [seed, digit, large] of [
      ['', 7, 624334],
      ['Grün', 6, 549398],
    ] as const) {
      const random = new PythonRandom(seed);
      assert.deepEqual([random.randint(0, 9), random.randint(0, 1_000_000)], [digit, large]);
    }
  });

  it('shuffles as random.Random(seed).shuffle does', () => {
    const letters = [...'abcdef'];
    new PythonRandom(42).shuffle(letters);
    assert.equal(letters.join(''), 'dbceaf');
    const digits = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    new PythonRandom('0counting').shuffle(digits);
    assert.deepEqual(digits, [7, 5, 8, 6, 2, 9, 4, 1, 0, 3]);
  });

  it('refuses a fractional seed and an empty range', () => {
    assert.throws(() => new PythonRandom(0.5), {
      message: 'Cannot seed PythonRandom as the seed must be a safe integer: 0.5',
    });
    assert.throws(() => new PythonRandom(0).randint(2, 1), {
      message: 'Cannot draw randint as low <= high must be integers less than 2^32 apart: 2, 1',
    });
  });
});
