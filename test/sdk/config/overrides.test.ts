import assert from 'node:assert/strict';
import { parseOverride } from '../../../sdk/src/config/run/parse-override';

const valueOf = (text: string) => parseOverride(`k=${text}`).value;

/** Texts, and what Hydra 1.3.8 reads in them. */
const VALUES: [text: string, value: unknown][] = [
  ['', ''],
  ['null', null],
  ['NULL', null],
  ['True', true],
  ['tRuE', true],
  ['false', false],
  ['3e-4', 3e-4],
  ['1e-5', 1e-5],
  ['1E3', 1000],
  ['.5', 0.5],
  ['5.', 5],
  ['-3.2e+1', -32],
  ['1_000', 1000],
  ['1_0.5', 10.5],
  ['010', '010'],
  ['1e', '1e'],
  ['1..2', '1..2'],
  ['inf', Infinity],
  ['abc', 'abc'],
  ['a b', 'a b'],
  ['  a  ', 'a'],
  ['pkg://verl_omni.reward_loop', 'pkg://verl_omni.reward_loop'],
  ['/data/train.parquet', '/data/train.parquet'],
  ['a:b', 'a:b'],
  ['a\\,b', 'a,b'],
  ['\\[x\\]', '[x]'],
  ["'a, b = {c}'", 'a, b = {c}'],
  ['"say \\"hi\\""', 'say "hi"'],
  ["'a\\nb'", 'a\\nb'],
  ["'back\\\\'", 'back\\'],
  ['"3"', '3'],
  ['[0,5]', [0, 5]],
  ['[]', []],
  ['["console", "wandb"]', ['console', 'wandb']],
  ["['to_q','to_out.0']", ['to_q', 'to_out.0']],
  ['[a,[1,null],{b: c}]', ['a', [1, null], { b: 'c' }]],
  ['{}', {}],
  ['{a: 1, b: {c: x y}}', { a: 1, b: { c: 'x y' } }],
  ['{1: a}', { 1: 'a' }],
  ['${trainer.project_name}', '${trainer.project_name}'],
  ['runs/${trainer.project_name}/x', 'runs/${trainer.project_name}/x'],
];

describe('parseOverride()', () => {
  for (const [text, value] of VALUES) {
    it(`reads ${JSON.stringify(text)} as ${String(value) === 'Infinity' ? 'infinity' : JSON.stringify(value)}`, () => {
      assert.deepEqual(valueOf(text), value);
    });
  }

  it('tells what is done to the key by its sign', () => {
    const actions = ['a.b=1', '+a.b=1', '++a.b=1', '~a.b', '~a.b=1'].map((text) => {
      const { action, key, value } = parseOverride(text);
      return [action, key.join('/'), value];
    });
    assert.deepEqual(actions, [
      ['set', 'a/b', 1],
      ['add', 'a/b', 1],
      ['put', 'a/b', 1],
      ['remove', 'a/b', undefined],
      ['remove', 'a/b', 1],
    ]);
  });

  for (const [text, rule] of [
    ['a', 'it must have "=" and a value'],
    ['=1', 'its key must be words joined by dots: current value is ""'],
    ['a..b=1', 'its key must be words joined by dots: current value is "a..b"'],
    ['a b=1', 'its key must be words joined by dots: current value is "a b"'],
    ['+++a=1', 'its key must be words joined by dots: current value is "+a"'],
    ['a=1,2', 'several values make a sweep, and a run takes one (character 2 of the value)'],
    ['a=[1,2', 'a list must go on with "," or end with "]" (character 5 of the value)'],
    ['a={b}', 'a key of a dict must be a word and be followed by ":" (character 3 of the value)'],
    ['a="b', 'a string that begins with " must end with it (character 1 of the value)'],
    ['a=b#c', 'it must end or be quoted there (character 2 of the value)'],
    ['a=choice(1,2)', 'functions are not read (character 7 of the value)'],
    [`a=${'['.repeat(99)}`, 'it may be 50 lists or dicts deep (character 52 of the value)'],
  ]) {
    it(`refuses ${JSON.stringify(text.slice(0, 20))} with its rule`, () => {
      assert.throws(() => parseOverride(text), {
        message: `Cannot read override "${text}" as ${rule}`,
      });
    });
  }
});
