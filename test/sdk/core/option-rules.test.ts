import assert from 'node:assert/strict';
import {
  anyOf,
  checkOptions,
  COUNT_OR_INFINITY,
  keeps,
  listOf,
  number,
  record,
  section,
  SWITCH,
  TEXT,
  wholeNumber,
} from '../../../sdk/src/core/option-rules';

interface Options {
  steps: number;
  rate: number;
  inner: object;
  fields: object;
}

const RULES = {
  steps: wholeNumber(1),
  rate: number({ least: 0, below: 1 }),
  inner: section<{ size: number }>({ size: wholeNumber(0) }),
  fields: record<{ size: number }>({ size: wholeNumber(0) }),
};

const check = (options: object) => checkOptions<Options>('train', options, RULES);

describe('checkOptions()', () => {
  it('takes values that keep their rules, and none where an option is left out', () => {
    check({});
    check({ steps: 1, rate: 0, inner: { size: 0 }, fields: { size: 3, more: 'of it' } });
    check({ steps: undefined, rate: 0.999 });
  });

  for (const [options, says] of [
    [{ steps: 0 }, 'steps must be a whole number from 1: current value is 0'],
    [{ rate: 1 }, 'rate must be a number from 0 to below 1: current value is 1'],
    [{ rate: -0.5 }, 'rate must be a number from 0 to below 1: current value is -0.5'],
    [{ steps: 1, rate: '0' }, 'rate must be a number from 0 to below 1: current value is "0"'],
    [{ inner: { size: -1 } }, 'inner.size must be a whole number from 0: current value is -1'],
    [{ inner: null }, 'inner must be an object of options: current value is null'],
    [{ inner: 3 }, 'inner must be an object of options: current value is 3'],
    [{ inner: [1] }, 'inner must be an object of options: current value is [1]'],
    [{ fields: { size: 0.5 } }, 'fields.size must be a whole number from 0: current value is 0.5'],
    [{ fields: 'size' }, 'fields must be an object: current value is "size"'],
    [{ step: 1 }, 'there is no option "step": the nearest is "steps"'],
  ] as [object, string][]) {
    it(`refuses ${JSON.stringify(options)}`, () => {
      assert.throws(() => check(options), { message: `Cannot train as ${says}` });
    });
  }

  it('refuses what is no object', () => {
    for (const [options, shown] of [
      [null, 'null'],
      [7, '7'],
      [[1], '[1]'],
    ] as const) {
      assert.throws(() => check(options as unknown as object), {
        message: `Cannot train as options must be an object: current value is ${shown}`,
      });
    }
  });
});

describe('number()', () => {
  it('allows Infinity where it is said to be the most', () => {
    const allows = (value: number) =>
      number({ least: 0, most: Infinity }).breach(value, 'pace') === null;
    assert.deepEqual([0, 1e308, Infinity, -1, NaN].map(allows), [true, true, true, false, false]);
    assert.equal(number({ least: 0 }).breach(Infinity, 'pace')?.startsWith('pace must be'), true);
  });
});

describe('keeps()', () => {
  it('takes true and false for a switch, and nothing that is like them', () => {
    const given = [true, false, 'false', 0, null];
    assert.deepEqual(
      given.map((value) => keeps(value, SWITCH)),
      [true, true, false, false, false],
    );
  });

  it('takes texts, and lists of as many as there are to be', () => {
    assert.deepEqual([keeps('', TEXT), keeps(7, TEXT), keeps(null, TEXT)], [true, false, false]);
    const pair = listOf(wholeNumber(0), { length: 2 });
    assert.deepEqual(
      [[0, 5], [0], [0, 5, 6], [0, -1], [], '05'].map((value) => keeps(value, pair)),
      [true, false, false, false, false, false],
    );
    const some = listOf(TEXT);
    assert.deepEqual([keeps(['a', 'b'], some), keeps([], some)], [true, false]);
  });

  it('says what it takes', () => {
    assert.deepEqual([wholeNumber().words, number().words], ['a whole number', 'a number']);
    assert.equal(wholeNumber(2).words, 'a whole number from 2');
    assert.equal(number({ above: 0 }).words, 'a number above 0');
    assert.equal(number({ least: 0, most: Infinity }).words, 'a number from 0, or Infinity');
    assert.equal(number({ least: 0, most: 1 }).words, 'a number from 0 to 1');
    assert.equal(anyOf(TEXT, SWITCH).words, 'a text or true or false');
  });

  it('takes a count from 1, or Infinity', () => {
    const given = [1, 7, Infinity, -Infinity, 0, 1.5, NaN];
    assert.deepEqual(
      given.map((value) => keeps(value, COUNT_OR_INFINITY)),
      [true, true, true, false, false, false, false],
    );
  });
});
