import assert from 'node:assert/strict';
import { join } from 'node:path';
import { loadShapesPairs } from '@flowbook/sdk';
import { inRandomOrder } from '../../notebooks/full/diffusion-dpo';

describe('inRandomOrder()', () => {
  const pairs = loadShapesPairs(join(__dirname, '../../datasets/shapes/pairs.jsonl'));

  it('turns about half of the pairs round, and says nothing else', () => {
    const control = inRandomOrder(pairs, 1);
    const turned = control.filter(({ chosen }, at) => chosen === pairs[at].rejected);
    const kept = control.filter(({ chosen }, at) => chosen === pairs[at].chosen);
    assert.equal(turned.length + kept.length, pairs.length);
    // Four standard deviations of a fair coin.
    assert.ok(Math.abs(turned.length - pairs.length / 2) < 2 * Math.sqrt(pairs.length));
    assert.deepEqual(
      control.map(({ prompt }) => prompt),
      pairs.map(({ prompt }) => prompt),
    );
  });

  it('is the same for a seed, and another for another', () => {
    const order = (seed: number) =>
      inRandomOrder(pairs, seed).map(({ chosen }, at) => chosen === pairs[at].chosen);
    assert.deepEqual(order(1), order(1));
    assert.notDeepEqual(order(1), order(2));
  });
});
