import assert from 'node:assert/strict';
import { combinationOf, countedPrompts, splitKinds } from '@flowbook/sdk';
import { wanted } from './scenes';

const two = (a: string, b: string) => wanted(`a ${a} and a ${b}`, [a, b]);
const position = (a: string, relation: 'left of' | 'right of' | 'above' | 'below', b: string) =>
  wanted(`a ${a} ${relation} a ${b}`, [a, b], relation);

describe('combinationOf()', () => {
  it('is the same for prompts that mean the same picture', () => {
    for (const [one, other] of [
      [two('circle', 'square'), two('square', 'circle')],
      [position('circle', 'left of', 'square'), position('square', 'right of', 'circle')],
      [position('circle', 'above', 'square'), position('square', 'below', 'circle')],
    ]) {
      assert.equal(combinationOf(one), combinationOf(other));
    }
  });

  it('is another for prompts that do not', () => {
    const all = [
      two('circle', 'square'),
      two('circle', 'cross'),
      wanted('two circles', ['circle', 'circle']),
      wanted('a circle', ['circle']),
      wanted('a red circle', ['circle red']),
      position('circle', 'left of', 'square'),
      position('square', 'left of', 'circle'),
      position('circle', 'above', 'square'),
      position('square', 'above', 'circle'),
    ];
    assert.equal(new Set(all.map(combinationOf)).size, all.length);
  });
});

describe('splitKinds()', () => {
  it('counts no kind of which a held-out prompt means what a trained one means', () => {
    const train = [two('circle', 'square'), position('circle', 'left of', 'square')];
    const heldOut = [
      two('square', 'circle'),
      two('cross', 'circle'),
      position('circle', 'above', 'square'),
    ];
    const kinds = splitKinds(train, heldOut);
    assert.deepEqual(kinds[1], {
      kind: 'two_object',
      train: 1,
      heldOut: 2,
      shared: 1,
      counts: false,
    });
    assert.deepEqual(kinds[4], {
      kind: 'position',
      train: 1,
      heldOut: 1,
      shared: 0,
      counts: true,
    });
    assert.deepEqual(countedPrompts(train, heldOut), [heldOut[2]]);
  });

  it('counts no kind without held-out prompts', () => {
    assert.ok(splitKinds([two('circle', 'square')], []).every(({ counts }) => !counts));
  });
});
