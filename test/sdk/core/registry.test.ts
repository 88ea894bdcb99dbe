import assert from 'node:assert/strict';
import { misspelling, nearestName } from '../../../sdk/src/core/nearest-name';
import { Registry } from '../../../sdk/src/core/registry';
import { showValue } from '../../../sdk/src/core/show-value';

describe('Registry', () => {
  it('refuses a name that is taken unless it is to be replaced, and lists what it has on a miss', () => {
    const colors = new Registry<number>('color');
    assert.throws(() => colors.get('red'), {
      message: 'Cannot find color "red": registered are none',
    });
    colors.register('red', 1);
    colors.register('blue', 2);
    assert.throws(() => colors.register('red', 3), {
      message:
        'Cannot register color "red" as it is already registered: pass {replace: true} to overwrite it',
    });
    assert.equal(colors.get('red'), 1);
    colors.register('red', 3, { replace: true });
    assert.deepEqual([colors.find('red'), colors.find('green')], [3, null]);
    assert.throws(() => colors.get('green'), {
      message: 'Cannot find color "green": registered are red, blue',
    });
    assert.deepEqual([colors.unregister('red'), colors.unregister('red')], [true, false]);
    assert.deepEqual(colors.names(), ['blue']);
  });
});

describe('misspelling()', () => {
  for (const [a, b, distance] of [
    ['', '', 0],
    ['abc', '', 3],
    ['', 'ab', 2],
    ['kitten', 'sitting', 3],
    ['abcd', 'acbd', 1],
    ['ab', 'ba', 1],
    ['abc', 'cba', 2],
    ['leraning_rate', 'learning_rate', 1],
    ['aabb', 'abab', 1],
  ] as const) {
    it(`from "${a}" to "${b}" is ${distance}, both ways`, () => {
      assert.deepEqual([misspelling(a, b), misspelling(b, a)], [distance, distance]);
    });
  }
});

describe('nearestName()', () => {
  it('is the first of the nearest, and null of none', () => {
    assert.equal(nearestName('stps', ['seed', 'steps', 'stop']), 'steps');
    assert.equal(nearestName('x', ['a', 'b']), 'a');
    assert.equal(nearestName('x', []), null);
  });
});

describe('showValue()', () => {
  it('shows numbers as they are, JSON of the rest, and cuts it after 200 characters', () => {
    assert.deepEqual([NaN, -0, 2n ** 64n, 'a', { a: [1] }, undefined].map(showValue), [
      'NaN',
      '0',
      '18446744073709551616',
      '"a"',
      '{"a":[1]}',
      'undefined',
    ]);
    assert.equal(showValue('a'.repeat(198)), `"${'a'.repeat(198)}"`);
    assert.equal(showValue('a'.repeat(199)), `"${'a'.repeat(199)}...`);
  });

  it('says that a value nests too deeply', () => {
    let deep: unknown = 0;
    for (let level = 0; level < 20_000; level++) deep = [deep];
    assert.equal(showValue(deep), 'a value that nests too deeply to be shown');
  });
});
