import assert from 'node:assert/strict';
import { RandomKey, drawPrompts, weightsByField } from '@flowbook/sdk';

describe('drawPrompts()', () => {
  const letters = ['a', 'b', 'c', 'd'];
  const draw = (seed: number, count: number, weights?: number[]) =>
    drawPrompts(letters, RandomKey.fromSeed(seed), { count, weights });

  it('draws different prompts, the same for the same key', () => {
    assert.deepEqual(draw(1, 3), draw(1, 3));
    assert.equal(new Set(draw(1, 4)).size, 4);
    assert.notDeepEqual(draw(1, 4), draw(2, 4));
  });

  it('draws prompts as often as their weights say', () => {
    const counts: Record<string, number> = { a: 0, b: 0, c: 0, d: 0 };
    for (let seed = 0; seed < 4000; seed++) counts[draw(seed, 1, [1, 3, 0, 4])[0]]++;
    assert.equal(counts.c, 0);
    assert.ok(Math.abs(counts.a / 4000 - 1 / 8) < 0.02);
    assert.ok(Math.abs(counts.b / 4000 - 3 / 8) < 0.03);
  });

  it('weightsByField() spreads the share of a value over its prompts', () => {
    const records = [{ kind: 'a' }, { kind: 'a' }, { kind: 'b' }, { kind: 'c' }];
    assert.deepEqual(weightsByField(records, 'kind', { a: 1, b: 3 }), [0.5, 0.5, 3, 0]);
  });
});
