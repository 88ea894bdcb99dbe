import assert from 'node:assert/strict';
import { philox4x32 } from '../../../sdk/src/core/philox';
import { RandomKey } from '../../../sdk/src/core/random-key';

describe('philox4x32()', () => {
  // Known answers of the Random123 library.
  for (const [counter, key, expected] of [
    [
      [0, 0, 0, 0],
      [0, 0],
      ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8'],
    ],
    [
      Array(4).fill(0xffffffff),
      Array(2).fill(0xffffffff),
      ['408f276d', '41c83b0e', 'a20bc7c6', '6d5451fd'],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      ['d16cfe09', '94fdcceb', '5001e420', '24126ea1'],
    ],
  ] as [[number, number, number, number], [number, number], string[]][]) {
    it(`gives Random123's numbers for counter ${counter.map((word) => word.toString(16))}`, () => {
      const words = philox4x32(counter, ...key);
      assert.deepEqual(
        words.map((word) => word.toString(16).padStart(8, '0')),
        expected,
      );
    });
  }
});

describe('RandomKey', () => {
  const key = RandomKey.fromSeed(42);

  it('is a value: the same seed and folds give the same words and draws', () => {
    const again = RandomKey.fromSeed(42);
    assert.deepEqual(again.fold('noise', 3).words, key.fold('noise', 3).words);
    assert.equal(key.fold(1).uniform(), key.fold(1).uniform());
  });

  it('integer() refuses ends that are no safe integers in order', () => {
    for (const [low, high] of [
      [0, 0],
      [2, 1],
      [0.5, 2],
      [0, 1.5],
      [0, 2 ** 53],
      [-(2 ** 53), 0],
    ]) {
      assert.throws(() => key.integer(low, high), {
        message: `Cannot draw an integer as low and high must be integers with low < high: ${low}, ${high}`,
      });
    }
  });

  it('keeps its published numbers from version to version', () => {
    assert.deepEqual(RandomKey.fromSeed(0).words, [1713891541, -513161843]);
    assert.deepEqual(RandomKey.fromSeed(-1).fold('prompt', 2.5).words, [-721779086, -2051455307]);
    assert.equal(RandomKey.fromSeed(7).uniform(), 0.6918214096825828);
  });

  it('fold() of a text folds eight bytes at a time, each with how many bytes are left', () => {
    const start = RandomKey.fromSeed(0);
    assert.deepEqual(start.fold('a red circle').words, [-675374496, 22445363]);
    const bytes = Buffer.from('a red circle\0\0\0\0');
    const [first, second] = [0, 8].map((at) => [
      bytes.readUInt32LE(at),
      bytes.readUInt32LE(at + 4),
    ]);
    const text = 2;
    const half = philox4x32([first[0], first[1], 12, text], start.words[0], start.words[1]);
    const whole = philox4x32([second[0], second[1], 4, text], half[0], half[1]);
    assert.deepEqual(start.fold('a red circle').words, [whole[0] | 0, whole[1] | 0]);
  });

  it('fromWords() is the key that gave them', () => {
    const [same, other] = [
      RandomKey.fromWords(key.words as [number, number]),
      RandomKey.fromWords([-1, 5]),
    ];
    assert.deepEqual([same.words, same.uniform()], [key.words, key.uniform()]);
    assert.deepEqual(other.words, [-1, 5]);
  });

  it('fold(a, b) is fold(a).fold(b)', () => {
    assert.deepEqual(key.fold('a', 1).words, key.fold('a').fold(1).words);
  });

  it('tells apart seeds, numbers, strings and their lengths', () => {
    const keys = [
      ...[0, 1, -1, 2 ** 32, 2 ** 40, -(2 ** 40)].map((seed) => RandomKey.fromSeed(seed)),
      key,
      ...[0, 1, -1, 0.5, 2 ** 33].map((datum) => key.fold(datum)),
      ...['', '0', '1', '\0', 'abcdefgh', 'abcdefgh\0', 'abcdefghi'].map((datum) =>
        key.fold(datum),
      ),
    ];
    assert.equal(new Set(keys.map(({ words }) => words.join())).size, keys.length);
  });

  it('uniform() fills [0, 1) evenly', () => {
    const draws = Array.from({ length: 4000 }, (_, index) => key.fold(index).uniform());
    const mean = draws.reduce((sum, draw) => sum + draw, 0) / draws.length;
    const variance = draws.reduce((sum, draw) => sum + (draw - mean) ** 2, 0) / draws.length;
    assert.ok(draws.every((draw) => draw >= 0 && draw < 1));
    assert.ok(Math.abs(mean - 1 / 2) < 0.02, `mean ${mean}`);
    assert.ok(Math.abs(variance - 1 / 12) < 0.005, `variance ${variance}`);
  });

  it('integer() covers low to high - 1', () => {
    const seen = new Set(Array.from({ length: 200 }, (_, index) => key.fold(index).integer(-1, 3)));
    assert.deepEqual(
      [...seen].sort((a, b) => a - b),
      [-1, 0, 1, 2],
    );
  });

  it('refuses what is no seed, no datum and no range', () => {
    assert.throws(() => RandomKey.fromSeed(1.5), {
      message: 'Cannot make a random key as the seed must be a safe integer: 1.5',
    });
    for (const words of [
      [0.5, 0],
      [0, 2 ** 31],
    ] as [number, number][]) {
      assert.throws(() => RandomKey.fromWords(words), {
        message: `Cannot make a random key as its words must be signed 32-bit integers: ${words.join(', ')}`,
      });
    }
    assert.throws(() => key.fold(NaN), {
      message: 'Cannot fold a number into a random key as it must be finite: NaN',
    });
    assert.throws(() => key.integer(3, 3), {
      message: 'Cannot draw an integer as low and high must be integers with low < high: 3, 3',
    });
  });
});
